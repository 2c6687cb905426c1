using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;







namespace MlNetFineTune.Onnx;

/// <summary>A fine-tuned classifier from pixels to probabilities.</summary>
/// <param name="Graph">All of it.</param>
/// <param name="Side">Height and width of its input, in pixels.</param>
/// <param name="TakesBytes">Its input is of bytes, and of floats otherwise.</param>
/// <param name="Logits">[N, classes].</param>
/// <param name="Probabilities">[N, classes].</param>
internal sealed record ClassifierGraph(NetworkGraph Graph, int Side, bool TakesBytes, GraphValue Logits, GraphValue Probabilities)
{
    public const string Input = "pixels";
    public const string LogitsOutput = "logits";
    public const string ProbabilitiesOutput = "probabilities";

    /// <summary>From the network's own pixels, as floats.</summary>
    /// <param name="classifier">Read, not kept.</param>
    /// <param name="calibration">Of the probabilities, where they are calibrated.</param>
    /// <param name="isMultiLabel">Each probability is a sigmoid of its own, and not a share of a softmax.</param>
    public static ClassifierGraph Of(ImageNetwork classifier, Calibration.Report? calibration, bool isMultiLabel = false)
    {
        var graph = new NetworkGraph(Input, classifier.Definition.Preprocessing.Size);
        return Of(classifier, calibration, graph, graph.Input, graph.Size, takesBytes: false, isMultiLabel);
    }

    /// <summary>The same from a larger picture, as bytes: a quarter of what is copied on the way.</summary>
    /// <param name="classifier">Read, not kept.</param>
    /// <param name="calibration">Of the probabilities, where they are calibrated.</param>
    /// <param name="border">Pixels on every side that the graph cuts off before it normalises.</param>
    /// <param name="shrink">So many pixels across and down are averaged into one before that.</param>
    public static ClassifierGraph OfPicture(ImageNetwork classifier, Calibration.Report? calibration, int border, int shrink)
    {
        var graph = new NetworkGraph(Input, classifier.Definition.Preprocessing.Size);
        var seen = Cropped(graph, border * shrink, graph.Size * shrink);
        var pixels = Shrunk(graph, graph.Add("Cast", [seen], ("to", OnnxFile.FloatType)), shrink);
        return Of(classifier, calibration, graph, pixels, (graph.Size + 2 * border) * shrink, takesBytes: true);
    }

    private static ClassifierGraph Of(
        ImageNetwork classifier, Calibration.Report? calibration, NetworkGraph graph, GraphValue pixels, int side, bool takesBytes,
        bool isMultiLabel = false)
    {
        var features = classifier.Backbone.Write(graph, Normalized(graph, pixels, classifier.Definition));
        var logits = classifier.Head.Write(graph, features);
        var named = graph.Named(LogitsOutput, logits);
        var calibrated = Calibrated(graph, logits, calibration);
        var probabilities = isMultiLabel ? graph.Add("Sigmoid", [calibrated]) : graph.Softmax(calibrated);
        return new ClassifierGraph(graph, side, takesBytes, named, graph.Named(ProbabilitiesOutput, probabilities));
    }

    private static GraphValue Calibrated(NetworkGraph graph, GraphValue logits, Calibration.Report? calibration) => calibration is null
        ? logits
        : graph.Product(logits, graph.Scalar("inverse_temperature", 1 / calibration.Temperature));

    private static GraphValue Shrunk(NetworkGraph graph, GraphValue pixels, int factor) => factor == 1
        ? pixels
        : graph.Add("AveragePool", [pixels], ("kernel_shape", (long[])[factor, factor]), ("strides", (long[])[factor, factor]));

    private static GraphValue Cropped(NetworkGraph graph, int border, int size) => border == 0
        ? graph.Input
        : graph.Slice(graph.Slice(graph.Input, axis: 2, border, border + size), axis: 3, border, border + size);

    // Colours of 0 to 255 as the weights expect them.
    private static GraphValue Normalized(NetworkGraph graph, GraphValue pixels, Backbone definition)
    {
        var (means, scales) = PixelNormalizer.MeansAndScales(definition.Preprocessing, definition.InputChannels);
        if (definition.InputChannels == 1)
            pixels = graph.Add("Conv", [pixels, graph.Constant("luminance", [1, 3, 1, 1], PixelNormalizer.Luminance)]);
        var centred = graph.Add("Sub", [pixels, graph.Constant("mean", [means.Length, 1, 1], means)]);
        return graph.Product(centred, graph.Constant("scale", [scales.Length, 1, 1], scales));
    }
}
