using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Scoring;

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

    internal abstract ClassifierGraph Apply(
        IHostEnvironment env, ClassifierGraph graph, FineTuningTransformer model, FineTunedNetwork network);

    private sealed record Single : OnnxPrecision
    {
        internal override ClassifierGraph Apply(
            IHostEnvironment env, ClassifierGraph graph, FineTuningTransformer model, FineTunedNetwork network) => graph;
    }

    private sealed record HalfWeights : OnnxPrecision
    {
        internal override ClassifierGraph Apply(
            IHostEnvironment env, ClassifierGraph graph, FineTuningTransformer model, FineTunedNetwork network) =>
            graph with { Graph = HalfPrecision.Of(graph.Graph) };
    }

    private sealed record Integers(IDataView Calibration) : OnnxPrecision
    {
        internal override ClassifierGraph Apply(
            IHostEnvironment env, ClassifierGraph graph, FineTuningTransformer model, FineTunedNetwork network)
        {
            if (model.Inputs.Pixels is null)
            {
                throw new NotSupportedException(
                    $"OnnxPrecision.Int8 measures ranges on pictures, and {network.Name} sees {model.Inputs.Form}: "
                        + "export it with OnnxPrecision.Float16.");
            }
            // Measured on what the network sees, whatever comes before it in this graph: both end with the same nodes.
            var measured = ActivationRanges.Measure(
                env, ClassifierGraph.Of(network, model.Inputs, model.Task.WriteOutputs).Graph, model, Calibration);
            var ranges = graph.Graph.Nodes.Skip(graph.Graph.Nodes.Count - measured.Count).Zip(measured)
                .ToDictionary(pair => pair.First.Outputs[0], pair => pair.Second, StringComparer.Ordinal);
            return graph with { Graph = new Quantizer(graph.Graph, ranges).Quantize() };
        }
    }
}
