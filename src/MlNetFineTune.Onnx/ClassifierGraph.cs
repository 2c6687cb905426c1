using MlNetFineTune.Backbones;
using MlNetFineTune.Heads;

namespace MlNetFineTune.Onnx;

/// <summary>A fine-tuned classifier from pixels to probabilities.</summary>
/// <param name="Graph">All of it.</param>
/// <param name="Side">Height and width of its input, in pixels.</param>
/// <param name="Logits">[N, classes].</param>
/// <param name="Probabilities">[N, classes].</param>
internal sealed record ClassifierGraph(NetworkGraph Graph, int Side, GraphValue Logits, GraphValue Probabilities)
{
    public const string Input = "pixels";
    public const string LogitsOutput = "logits";
    public const string ProbabilitiesOutput = "probabilities";

    // ITU-R BT.601, as scoring makes grey of colours.
    private static readonly float[] s_luminance = [0.299f, 0.587f, 0.114f];

    /// <param name="classifier">Read, not kept.</param>
    /// <param name="calibration">Of the probabilities, where they are calibrated.</param>
    /// <param name="border">Pixels on every side that the graph cuts off before it normalises.</param>
    /// <param name="shrink">So many pixels across and down are averaged into one before that.</param>
    public static ClassifierGraph Of(ImageClassifier classifier, CalibrationReport? calibration, int border = 0, int shrink = 1)
    {
        var preprocessing = classifier.Definition.Preprocessing;
        var graph = new NetworkGraph(Input, preprocessing.Size);
        var features = classifier.Backbone.Write(graph, Normalized(graph, Cropped(graph, Shrunk(graph, shrink), border), classifier.Definition));
        var logits = classifier.Head.Write(graph, features);
        return new ClassifierGraph(
            graph, (preprocessing.Size + 2 * border) * shrink, graph.Named(LogitsOutput, logits), graph.Named(ProbabilitiesOutput, graph.Softmax(Calibrated(graph, logits, calibration))));
    }

    private static GraphValue Calibrated(NetworkGraph graph, GraphValue logits, CalibrationReport? calibration) => calibration is null
        ? logits
        : graph.Product(logits, graph.Scalar("inverse_temperature", 1 / calibration.Temperature));

    private static GraphValue Shrunk(NetworkGraph graph, int factor) => factor == 1
        ? graph.Input
        : graph.Add("AveragePool", [graph.Input], ("kernel_shape", (long[])[factor, factor]), ("strides", (long[])[factor, factor]));

    private static GraphValue Cropped(NetworkGraph graph, GraphValue pixels, int border) => border == 0
        ? pixels
        : graph.Slice(graph.Slice(pixels, axis: 2, border, border + graph.Size), axis: 3, border, border + graph.Size);

    // Colours of 0 to 255 as the weights expect them.
    private static GraphValue Normalized(NetworkGraph graph, GraphValue pixels, Backbone definition)
    {
        var (mean, std) = (definition.Preprocessing.Mean, definition.Preprocessing.Std);
        float[] means = [mean.Red * 255, mean.Green * 255, mean.Blue * 255], scales = [1 / (std.Red * 255), 1 / (std.Green * 255), 1 / (std.Blue * 255)];
        if (definition.InputChannels == 1)
        {
            pixels = graph.Add("Conv", [pixels, graph.Constant("luminance", [1, 3, 1, 1], s_luminance)]);
            (means, scales) = ([(mean.Red + mean.Green + mean.Blue) / 3 * 255], [1 / ((std.Red + std.Green + std.Blue) / 3 * 255)]);
        }
        var centred = graph.Add("Sub", [pixels, graph.Constant("mean", [means.Length, 1, 1], means)]);
        return graph.Product(centred, graph.Constant("scale", [scales.Length, 1, 1], scales));
    }
}
