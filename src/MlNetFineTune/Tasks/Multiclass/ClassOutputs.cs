using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>The outputs of a multiclass network in an exported graph.</summary>
internal static class ClassOutputs
{
    /// <summary>The outputs <c>logits</c> (not calibrated) and <c>probabilities</c>: [N, classes].</summary>
    /// <param name="graph">Receives the nodes.</param>
    /// <param name="logits">[N, classes].</param>
    /// <param name="classes">How many there are.</param>
    /// <param name="calibration">Of the probabilities, where they are calibrated.</param>
    /// <param name="prefix">Of the outputs' names.</param>
    public static IReadOnlyList<GraphOutput> Write(
        NetworkGraph graph, GraphValue logits, int classes, Calibration.Report? calibration, string prefix = "")
    {
        var named = graph.Named(prefix + GraphOutput.Logits, logits);
        var scaled = calibration is null
            ? logits
            : graph.Product(logits, graph.Scalar("inverse_temperature", 1 / calibration.Temperature));
        return [new(named, classes), new(graph.Named(prefix + GraphOutput.Probabilities, graph.Softmax(scaled)), classes)];
    }
}
