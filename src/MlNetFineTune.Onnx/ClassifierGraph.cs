using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>Adds the outputs of a task to a graph: <see cref="BoundTask.WriteOutputs"/>.</summary>
internal delegate IReadOnlyList<GraphOutput>? OutputWriter(NetworkGraph graph, GraphValue outputs);

/// <summary>A fine-tuned image network from pixels to the outputs of its task.</summary>
/// <param name="Graph">All of it.</param>
/// <param name="Side">Height and width of its input, in pixels.</param>
/// <param name="TakesBytes">Its input is of bytes, and of floats otherwise.</param>
/// <param name="Outputs">What comes out.</param>
internal sealed record ClassifierGraph(NetworkGraph Graph, int Side, bool TakesBytes, IReadOnlyList<GraphOutput> Outputs)
{
    public const string Input = "pixels";

    /// <summary>From the network's own pixels, as floats.</summary>
    /// <param name="classifier">Read, not kept.</param>
    /// <param name="write">The task's.</param>
    /// <exception cref="NotSupportedException">The task has no outputs in a network file.</exception>
    public static ClassifierGraph Of(ImageNetwork classifier, OutputWriter write)
    {
        var graph = new NetworkGraph(Input, classifier.Definition.Preprocessing.Size);
        return Of(classifier, write, graph, graph.Input, graph.Size, takesBytes: false);
    }

    /// <summary>The same from a larger picture, as bytes: a quarter of what is copied on the way.</summary>
    /// <param name="classifier">Read, not kept.</param>
    /// <param name="write">The task's.</param>
    /// <param name="border">Pixels on every side that the graph cuts off before it normalises.</param>
    /// <param name="shrink">So many pixels across and down are averaged into one before that.</param>
    public static ClassifierGraph OfPicture(ImageNetwork classifier, OutputWriter write, int border, int shrink)
    {
        var graph = new NetworkGraph(Input, classifier.Definition.Preprocessing.Size);
        var seen = Cropped(graph, border * shrink, graph.Size * shrink);
        var pixels = Shrunk(graph, graph.Add("Cast", [seen], ("to", OnnxFile.FloatType)), shrink);
        return Of(classifier, write, graph, pixels, (graph.Size + 2 * border) * shrink, takesBytes: true);
    }

    private static ClassifierGraph Of(
        ImageNetwork classifier, OutputWriter write, NetworkGraph graph, GraphValue pixels, int side, bool takesBytes)
    {
        var features = classifier.Backbone.Write(graph, Normalized(graph, pixels, classifier.Definition));
        var outputs = write(graph, classifier.Head.Write(graph, features)) ?? throw new NotSupportedException(
            "The model's task has no outputs in a network file: multiclass, ordinal and binary classification and regression have.");
        return new ClassifierGraph(graph, side, takesBytes, outputs);
    }

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
