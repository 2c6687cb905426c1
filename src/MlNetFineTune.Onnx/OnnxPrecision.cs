using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;

namespace MlNetFineTune;

/// <summary>In which numbers an exported network is stored, and computes.</summary>
public abstract record OnnxPrecision
{
    private protected OnnxPrecision()
    {
    }

    /// <summary>As it was trained: 4 bytes a weight.</summary>
    public static OnnxPrecision Float32 { get; } = new Single();

    /// <summary>Weights are stored as half-precision floats and widened when the file is loaded: half the size, the same speed,
    /// and nearly the same scores everywhere.</summary>
    public static OnnxPrecision Float16 { get; } = new HalfWeights();

    /// <summary>
    /// Weights are stored as 8-bit integers, a quarter of the size. Convolutions also compute in 8 bits (Jacob et al. 2018,
    /// https://arxiv.org/abs/1712.05877), for which the ranges of their inputs are measured on photos;
    /// linear layers measure theirs as they run. Scores change: evaluate before you deploy.
    /// </summary>
    /// <param name="calibration">Some dozens of typical rows, with the image column of training; the first hundred are used.
    /// Not the test photos. ONNX Runtime must be there: package Microsoft.ML.OnnxRuntime.</param>
    public static OnnxPrecision Int8(IDataView calibration)
    {
        ArgumentNullException.ThrowIfNull(calibration);
        return new Integers(calibration);
    }

    /// <param name="env">Its temporary folder is used where rows are measured.</param>
    /// <param name="graph">Of floats.</param>
    /// <param name="model">Not disposed.</param>
    /// <param name="asSeen">Makes the same graph of pictures as the network sees them, whose values have the same names.</param>
    /// <param name="tensors">What enters it.</param>
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
