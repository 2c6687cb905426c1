using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>The outputs of a multiclass network in an exported graph.</summary>
internal static class ClassOutputs
{
    /// <summary>The outputs <c>logits</c> (not calibrated) and <c>probabilities</c>: [N, classes].</summary>
    /// <param name="graph">Receives the nodes.</param>
    /// <param name="logits">[N, classes].</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="calibration">Result of the calibration; null if the probabilities are not calibrated.</param>
    /// <param name="prefix">Prefix of the outputs' names.</param>
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
