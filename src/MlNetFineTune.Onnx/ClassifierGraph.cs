using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>Adds the outputs of a task to a graph: <see cref="BoundTask.WriteOutputs"/>.</summary>
internal delegate IReadOnlyList<GraphOutput>? OutputWriter(NetworkGraph graph, GraphValue outputs);

/// <summary>A fine-tuned network from its input to the outputs of its task.</summary>
/// <param name="Graph">The complete graph.</param>
/// <param name="InputShape">Shape of one row: [3, side, side] for pixels.</param>
/// <param name="TakesBytes">Whether the input is of type uint8; otherwise float.</param>
/// <param name="Outputs">Outputs of the task.</param>
internal sealed record ClassifierGraph(NetworkGraph Graph, long[] InputShape, bool TakesBytes, IReadOnlyList<GraphOutput> Outputs)
{
    public const string Input = "pixels";
    public const string NumbersInput = "features";

    /// <summary>Height and width of the input, in pixels.</summary>
    public int Side => (int)InputShape[^1];

    /// <summary>Creates a graph whose input is the network's own pixels, as floats, or a module's column of numbers.</summary>
    /// <param name="network">The network; it is only read.</param>
    /// <param name="input">Input of the network.</param>
    /// <param name="write">Adds the task's outputs.</param>
    /// <exception cref="NotSupportedException">
    /// The input is neither a picture nor one column of numbers; the task has no outputs in a network file; or a layer is not supported.
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

    /// <summary>Creates a graph whose input is the network's own pixels, as floats.</summary>
    /// <param name="network">The network; it is only read.</param>
    /// <param name="pixels">Size and normalization of the pixels.</param>
    /// <param name="write">Adds the task's outputs.</param>
    /// <exception cref="NotSupportedException">The task has no outputs in a network file, or a layer is not supported.</exception>
    public static ClassifierGraph Of(FineTunedNetwork network, PictureForm pixels, OutputWriter write)
    {
        var graph = new NetworkGraph(Input, pixels.Preprocessing.Size);
        var normalized = Normalized(graph, graph.Input, pixels);
        return Of(network, write, graph, normalized, [3, graph.Size, graph.Size], takesBytes: false);
    }

    /// <summary>Creates a graph whose input is a larger picture as bytes: a quarter of the memory traffic of floats.</summary>
    /// <param name="network">The network; it is only read.</param>
    /// <param name="pixels">Size and normalization of the pixels.</param>
    /// <param name="write">Adds the task's outputs.</param>
    /// <param name="border">Pixels on every side that the graph crops before it normalizes.</param>
    /// <param name="shrink">Horizontal and vertical factor by which pixels are averaged before that.</param>
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

    // Converts colours from 0 to 255 to the range that the weights expect.
    private static GraphValue Normalized(NetworkGraph graph, GraphValue pixels, PictureForm form)
    {
        var (means, scales) = PixelNormalizer.MeansAndScales(form.Preprocessing, form.Channels);
        if (form.Channels == 1)
            pixels = graph.Add("Conv", [pixels, graph.Constant("luminance", [1, 3, 1, 1], PixelNormalizer.Luminance)]);
        var centred = graph.Add("Sub", [pixels, graph.Constant("mean", [means.Length, 1, 1], means)]);
        return graph.Product(centred, graph.Constant("scale", [scales.Length, 1, 1], scales));
    }
}
