using MlNetFineTune.Onnx;

namespace MlNetFineTune;

/// <summary>
/// ONNX Runtime in the place of libtorch, on the CPU, for what does not train: <c>model.WithOnnxRuntime()</c> scores with it, and
/// <c>options with { FrozenEngine = FrozenEngine.OnnxRuntime }</c> computes the frozen stages of a training with it. The application
/// references the package <c>Microsoft.ML.OnnxRuntime</c>. A language without extension members (F#, C# 13) calls
/// <c>OnnxRuntimeEngine.get_OnnxRuntime()</c>.
/// </summary>
public static class OnnxRuntimeEngine
{
    private static readonly FrozenEngine s_onnxRuntime = new OnnxFrozenEngine("OnnxRuntime", mustBeFaster: false);
    private static readonly FrozenEngine s_fastest = new OnnxFrozenEngine("Fastest", mustBeFaster: true);

    /// <summary>
    /// Returns a model of the same network whose stages below the head are computed by ONNX Runtime, in batches as before: the same
    /// columns in <c>Transform</c>, <c>PredictionEngine</c> and <c>Predictor</c>, for every task. Both share the network, whose memory is
    /// freed when the last of them is disposed; ONNX Runtime has its own copy of the weights. The caller disposes the result.
    /// </summary>
    /// <remarks>
    /// <format type="text/markdown"><![CDATA[
    /// First a trial with a few generated rows compares scores and time. The result scores with libtorch, with a warning in the log that
    /// says why, if
    /// - a score differs by more than 1e-4 (relative to scores above 1),
    /// - ONNX Runtime cannot run the network,
    /// - ONNX Runtime takes more time than libtorch,
    /// - the network cannot be written as ONNX operators: TorchScript programs, layers of your own, modules that are not a `Sequential`,
    /// - it computes in bfloat16 (`Precision`), or is on a GPU.
    ///
    /// The choice depends on the times measured: where both take about as long, or other programs use the processor, another call may
    /// choose the other engine, and scores then differ by rounding. No option turns this off. An application that needs the same engine
    /// each time compares `ScoringEngine`, and where it is the other one scores with `model`, or calls again.
    ///
    /// `MLContext.SetOnnxSessionOption` sets threads and other options of its session, also for `FrozenEngine.OnnxRuntime`; by default it
    /// has as many threads as torch. The parts of a batch run side by side on as many threads as torch has in any case.
    ///
    /// `ScoringEngine` says which it is. `ml.Model.Save` writes the ordinary model file, without ONNX Runtime: call `WithOnnxRuntime` again
    /// after loading. `WithTestTimeAugmentation` keeps the engine, `WithHalfPrecisionWeights` does not.
    /// ]]></format>
    /// </remarks>
    /// <param name="model">The model. It is not changed and not disposed.</param>
    /// <exception cref="InvalidOperationException">The native library of ONNX Runtime does not load.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static FineTuningTransformer WithOnnxRuntime(this FineTuningTransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return OnnxScoringEngine.Of(model);
    }

    extension(FrozenEngine)
    {
        /// <summary>
        /// ONNX Runtime, in 32-bit floats. Before each phase of the training a trial compares its features for a few generated rows with
        /// those of libtorch. libtorch computes the stages, with a warning that says why, if a feature differs by more than 1e-4 of the
        /// largest, if ONNX Runtime cannot run them, if they cannot be written as ONNX operators (as for <see cref="WithOnnxRuntime"/>), in
        /// bfloat16 and on a GPU. These reasons do not depend on time: the same training gives the same bits. Where the native library of
        /// ONNX Runtime does not load, the creation of the trainer throws an <see cref="InvalidOperationException"/>.
        /// </summary>
        public static FrozenEngine OnnxRuntime => s_onnxRuntime;

        /// <summary>
        /// As <c>FrozenEngine.OnnxRuntime</c> if the trial finds it faster too, otherwise libtorch; the log says which, with both times.
        /// Trainings that choose differently differ by rounding; so do phases of one training, and the evaluation of averages at its end.
        /// </summary>
        public static FrozenEngine Fastest => s_fastest;
    }
}
