using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;







namespace MlNetFineTune.Onnx;

/// <summary>A fine-tuned classifier from its input to probabilities.</summary>
/// <param name="Graph">All of it.</param>
/// <param name="InputShape">Of one row: [3, side, side] for pixels.</param>
/// <param name="TakesBytes">Its input is of bytes, and of floats otherwise.</param>
/// <param name="Logits">[N, classes].</param>
/// <param name="Probabilities">[N, classes].</param>
internal sealed record ClassifierGraph(NetworkGraph Graph, long[] InputShape, bool TakesBytes, GraphValue Logits, GraphValue Probabilities)
{
    public const string Input = "pixels";
    public const string NumbersInput = "features";
    public const string LogitsOutput = "logits";
    public const string ProbabilitiesOutput = "probabilities";

    /// <summary>Height and width of the input, in pixels.</summary>
    public int Side => (int)InputShape[^1];

    /// <summary>From the network's own pixels, as floats, or from its numbers.</summary>
    /// <param name="network">Read, not kept.</param>
    /// <param name="input">What enters it.</param>
    /// <param name="calibration">Of the probabilities, where they are calibrated.</param>
    /// <param name="isMultiLabel">Each probability is a sigmoid of its own, and not a share of a softmax.</param>
    /// <exception cref="NotSupportedException">Something else than pictures, or numbers of one column, enters it; or a layer is not
    /// known.</exception>
    public static ClassifierGraph Of(FineTunedNetwork network, ModelInput input, Calibration.Report? calibration, bool isMultiLabel = false)
    {
        if (input.Pixels is { } pixels)
            return Of(network, pixels, calibration, isMultiLabel);
        if (input.Shapes is not [{ KeyCount: 0, Dimensions: var shape }])
        {
            throw new NotSupportedException(
                $"The inputs of {network.Name} are {input.Form}; a network is exported that sees one column of pictures, "
                    + "or one of numbers. "
                + "Write it in Python and use torch.onnx.export there with the weights of SaveWeights.");
        }
        var graph = new NetworkGraph(NumbersInput, size: 0);
        return Of(network, calibration, graph, graph.Input, [.. shape], takesBytes: false, isMultiLabel);
    }

    /// <summary>From the network's own pixels, as floats.</summary>
    /// <inheritdoc cref="Of(FineTunedNetwork, ModelInput, Calibration.Report?, bool)"/>
    /// <param name="network">Read, not kept.</param>
    /// <param name="pixels">How they enter it.</param>
    /// <param name="calibration">Of the probabilities, where they are calibrated.</param>
    /// <param name="isMultiLabel">Each probability is a sigmoid of its own, and not a share of a softmax.</param>
    public static ClassifierGraph Of(
        FineTunedNetwork network, PictureForm pixels, Calibration.Report? calibration, bool isMultiLabel = false)
    {
        var graph = new NetworkGraph(Input, pixels.Preprocessing.Size);
        var normalized = Normalized(graph, graph.Input, pixels);
        return Of(network, calibration, graph, normalized, [3, graph.Size, graph.Size], takesBytes: false, isMultiLabel);
    }

    /// <summary>The same from a larger picture, as bytes: a quarter of what is copied on the way.</summary>
    /// <param name="network">Read, not kept.</param>
    /// <param name="pixels">How they enter it.</param>
    /// <param name="calibration">Of the probabilities, where they are calibrated.</param>
    /// <param name="border">Pixels on every side that the graph cuts off before it normalises.</param>
    /// <param name="shrink">So many pixels across and down are averaged into one before that.</param>
    public static ClassifierGraph OfPicture(
        FineTunedNetwork network, PictureForm pixels, Calibration.Report? calibration, int border, int shrink)
    {
        var graph = new NetworkGraph(Input, pixels.Preprocessing.Size);
        var seen = Cropped(graph, border * shrink, graph.Size * shrink);
        var own = Shrunk(graph, graph.Add("Cast", [seen], ("to", OnnxFile.FloatType)), shrink);
        long side = (graph.Size + 2 * border) * shrink;
        return Of(network, calibration, graph, Normalized(graph, own, pixels), [3, side, side], takesBytes: true);
    }

    private static ClassifierGraph Of(
        FineTunedNetwork network, Calibration.Report? calibration, NetworkGraph graph, GraphValue input, long[] shape, bool takesBytes,
        bool isMultiLabel = false)
    {
        var logits = network.Write(graph, input);
        var named = graph.Named(LogitsOutput, logits);
        var calibrated = Calibrated(graph, logits, calibration);
        var probabilities = isMultiLabel ? graph.Add("Sigmoid", [calibrated]) : graph.Softmax(calibrated);
        return new ClassifierGraph(graph, shape, takesBytes, named, graph.Named(ProbabilitiesOutput, probabilities));
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
    private static GraphValue Normalized(NetworkGraph graph, GraphValue pixels, PictureForm form)
    {
        var (means, scales) = PixelNormalizer.MeansAndScales(form.Preprocessing, form.Channels);
        if (form.Channels == 1)
            pixels = graph.Add("Conv", [pixels, graph.Constant("luminance", [1, 3, 1, 1], PixelNormalizer.Luminance)]);
        var centred = graph.Add("Sub", [pixels, graph.Constant("mean", [means.Length, 1, 1], means)]);
        return graph.Product(centred, graph.Constant("scale", [scales.Length, 1, 1], scales));
    }
}
