using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;

namespace MlNetFineTune;

/// <summary>Number format of the weights in an ONNX file and of the runtime's computation.</summary>
public abstract record OnnxPrecision
{
    private protected OnnxPrecision()
    {
    }

    /// <summary>Single precision, as trained: 4 bytes for each weight.</summary>
    public static OnnxPrecision Float32 { get; } = new Single();

    /// <summary>
    /// Weights are stored in half precision and widened when the file is loaded: half the file size, the same speed, and nearly the same
    /// scores with every runtime.
    /// </summary>
    public static OnnxPrecision Float16 { get; } = new HalfWeights();

    /// <summary>
    /// Weights are stored as 8-bit integers: a quarter of the file size. Convolutions also compute in 8 bits (Jacob et al. 2018,
    /// https://arxiv.org/abs/1712.05877), with input ranges measured on photos (static quantization); linear layers determine theirs at run
    /// time (dynamic quantization), and so do those of text networks, whose embeddings and products of attention remain floats. Scores
    /// change: evaluate the exported model before deployment.
    /// </summary>
    /// <param name="calibration">
    /// Some dozens of typical rows with the image column of training, but not the test data; at most the first 100 rows are used. Requires
    /// the package Microsoft.ML.OnnxRuntime. For text networks it is not read: their ranges are those
    /// of the rows that are computed together, so that scores depend on them a little.
    /// </param>
    public static OnnxPrecision Int8(IDataView calibration)
    {
        ArgumentNullException.ThrowIfNull(calibration);
        return new Integers(calibration);
    }

    /// <param name="env">Environment whose temporary folder is used for calibration.</param>
    /// <param name="graph">The graph in single precision.</param>
    /// <param name="model">The model; it is not disposed.</param>
    /// <param name="asSeen">Creates the same graph for the network's own pixels, with the same names of values.</param>
    /// <param name="tensors">Input tensors of the graph.</param>
    internal abstract NetworkGraph Apply(
        IHostEnvironment env, NetworkGraph graph, FineTuningTransformer model, Func<NetworkGraph> asSeen,
        IReadOnlyList<TensorColumn> tensors);

    private sealed record Single : OnnxPrecision
    {
        internal override NetworkGraph Apply(
            IHostEnvironment env, NetworkGraph graph, FineTuningTransformer model, Func<NetworkGraph> asSeen,
            IReadOnlyList<TensorColumn> tensors) => graph;
    }

    private sealed record HalfWeights : OnnxPrecision
    {
        internal override NetworkGraph Apply(
            IHostEnvironment env, NetworkGraph graph, FineTuningTransformer model, Func<NetworkGraph> asSeen,
            IReadOnlyList<TensorColumn> tensors) => HalfPrecision.Of(graph);
    }

    private sealed record Integers(IDataView Calibration) : OnnxPrecision
    {
        internal override NetworkGraph Apply(
            IHostEnvironment env, NetworkGraph graph, FineTuningTransformer model, Func<NetworkGraph> asSeen,
            IReadOnlyList<TensorColumn> tensors)
        {
            if (tensors.Any(tensor => tensor is TokenTensor))
                return new Quantizer(graph, new Dictionary<string, (float Least, float Most)>()).Quantize();
            if (!tensors.Any(tensor => tensor is PixelTensor))
            {
                throw new NotSupportedException(
                    $"OnnxPrecision.Int8 measures ranges on pictures, and the network sees {model.Inputs.Form}: "
                    + "export it with OnnxPrecision.Float16.");
            }
            return new Quantizer(graph, ActivationRanges.Measure(env, asSeen(), model, tensors, Calibration)).Quantize();
        }
    }
}
