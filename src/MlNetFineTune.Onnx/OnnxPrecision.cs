using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Scoring;

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
    /// time (dynamic quantization). Scores change: evaluate the exported model before deployment.
    /// </summary>
    /// <param name="calibration">
    /// Some dozens of typical rows with the image column of training, but not the test data; at most the first 100 rows are used. Requires
    /// the package Microsoft.ML.OnnxRuntime.
    /// </param>
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
            // Measured with the network's own pixels, whatever precedes them in this graph: both graphs end with the same nodes.
            var measured = ActivationRanges.Measure(
                env, ClassifierGraph.Of(network, model.Inputs, model.Task.WriteOutputs).Graph, model, Calibration);
            var ranges = graph.Graph.Nodes.Skip(graph.Graph.Nodes.Count - measured.Count).Zip(measured)
                .ToDictionary(pair => pair.First.Outputs[0], pair => pair.Second, StringComparer.Ordinal);
            return graph with { Graph = new Quantizer(graph.Graph, ranges).Quantize() };
        }
    }
}
