using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>Adds the outputs of a task to a graph: <see cref="BoundTask.WriteOutputs"/>.</summary>
internal delegate IReadOnlyList<GraphOutput>? OutputWriter(NetworkGraph graph, GraphValue outputs);

/// <summary>A fine-tuned network from its input to the outputs of its task.</summary>
/// <param name="Graph">All of it.</param>
/// <param name="InputShape">Of one row: [3, side, side] for pixels.</param>
/// <param name="TakesBytes">Its input is of bytes, and of floats otherwise.</param>
/// <param name="Outputs">What comes out.</param>
internal sealed record ClassifierGraph(NetworkGraph Graph, long[] InputShape, bool TakesBytes, IReadOnlyList<GraphOutput> Outputs)
{
    public const string Input = "pixels";
    public const string NumbersInput = "features";

    /// <summary>Height and width of the input, in pixels.</summary>
    public int Side => (int)InputShape[^1];

    /// <summary>From the network's own pixels, as floats, or from its numbers.</summary>
    /// <param name="network">Read, not kept.</param>
    /// <param name="input">What enters it.</param>
    /// <param name="write">The task's.</param>
    /// <exception cref="NotSupportedException">
    /// Something else than pictures, or numbers of one column, enters it; the task has no outputs in a network file; or a layer is not
    /// known.
    /// </exception>
    public static ClassifierGraph Of(FineTunedNetwork network, ModelInput input, OutputWriter write)
    {
        if (input.Pixels is { } pixels)
            return Of(network, pixels, write);
        if (input.Shapes is not [{ KeyCount: 0, Dimensions: var shape }])
        {
            throw new NotSupportedException(
                $"The inputs of {network.Name} are {input.Form}; a network is exported that sees one column of pictures, or one of "
                + "numbers. Write it in Python and use torch.onnx.export there with the weights of SaveWeights.");
        }
        var graph = new NetworkGraph(NumbersInput, size: 0);
        return Of(network, write, graph, graph.Input, [.. shape], takesBytes: false);
    }

    /// <summary>From the network's own pixels, as floats.</summary>
    /// <param name="network">Read, not kept.</param>
    /// <param name="pixels">How pictures enter it.</param>
    /// <param name="write">The task's.</param>
    /// <exception cref="NotSupportedException">The task has no outputs in a network file, or a layer is not known.</exception>
    public static ClassifierGraph Of(FineTunedNetwork network, PictureForm pixels, OutputWriter write)
    {
        var graph = new NetworkGraph(Input, pixels.Preprocessing.Size);
        var normalized = Normalized(graph, graph.Input, pixels);
        return Of(network, write, graph, normalized, [3, graph.Size, graph.Size], takesBytes: false);
    }

    /// <summary>The same from a larger picture, as bytes: a quarter of what is copied on the way.</summary>
    /// <param name="network">Read, not kept.</param>
    /// <param name="pixels">How pictures enter it.</param>
    /// <param name="write">The task's.</param>
    /// <param name="border">Pixels on every side that the graph cuts off before it normalises.</param>
    /// <param name="shrink">So many pixels across and down are averaged into one before that.</param>
    public static ClassifierGraph OfPicture(FineTunedNetwork network, PictureForm pixels, OutputWriter write, int border, int shrink)
    {
        var graph = new NetworkGraph(Input, pixels.Preprocessing.Size);
        var seen = Cropped(graph, border * shrink, graph.Size * shrink);
        var own = Shrunk(graph, graph.Add("Cast", [seen], ("to", OnnxFile.FloatType)), shrink);
        long side = (graph.Size + 2 * border) * shrink;
        return Of(network, write, graph, Normalized(graph, own, pixels), [3, side, side], takesBytes: true);
    }

    private static ClassifierGraph Of(
        FineTunedNetwork network, OutputWriter write, NetworkGraph graph, GraphValue input, long[] shape, bool takesBytes)
    {
        var outputs = write(graph, network.Write(graph, input)) ?? throw new NotSupportedException(
            "The model has several heads (LearningTask.Several), which have no outputs in a network file: "
            + "models of every other task have.");
        return new ClassifierGraph(graph, shape, takesBytes, outputs);
    }

    private static GraphValue Shrunk(NetworkGraph graph, GraphValue pixels, int factor) => factor == 1
        ? pixels
        : graph.Add("AveragePool", [pixels], ("kernel_shape", (long[])[factor, factor]), ("strides", (long[])[factor, factor]));

    private static GraphValue Cropped(NetworkGraph graph, int border, int size) => border == 0
        ? graph.Input
        : graph.Slice(graph.Slice(graph.Input, axis: 2, border, border + size), axis: 3, border, border + size);

    // Colours of 0 to 255 as the weights expect them.
    private static GraphValue Normalized(NetworkGraph graph, GraphValue pixels, PictureForm form)
    {
        var (means, scales) = PixelNormalizer.MeansAndScales(form.Preprocessing, form.Channels);
        if (form.Channels == 1)
            pixels = graph.Add("Conv", [pixels, graph.Constant("luminance", [1, 3, 1, 1], PixelNormalizer.Luminance)]);
        var centred = graph.Add("Sub", [pixels, graph.Constant("mean", [means.Length, 1, 1], means)]);
        return graph.Product(centred, graph.Constant("scale", [scales.Length, 1, 1], scales));
    }
}
