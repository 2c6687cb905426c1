using MlNetFineTune.Networks;

namespace MlNetFineTune.Data;

/// <summary>
/// An input tensor of an exported network, and its data column. An encoded sample contains the tensors of its input one after another.
/// </summary>
/// <param name="Name">Name of the tensor in the file.</param>
/// <param name="Column">Name of the data column.</param>
internal abstract record TensorColumn(string Name, string Column)
{
    /// <summary>Description for the file's metadata.</summary>
    public abstract string Description { get; }

    /// <summary>Its size in an encoded sample, in bytes.</summary>
    public abstract int SampleLength { get; }

    /// <summary>Declares the tensor in a graph.</summary>
    /// <param name="graph">The graph to which the input is added.</param>
    /// <param name="oversampling">See <see cref="PixelTensor"/>; null if the input is the network's own pixels.</param>
    public abstract GraphValue Declare(NetworkGraph graph, int? oversampling);

    /// <summary>Adds the conversion of its numbers to the network's input.</summary>
    /// <param name="graph">The graph to which the operators are added.</param>
    /// <param name="declared">Result of <see cref="Declare"/>.</param>
    /// <param name="oversampling">As for <see cref="Declare"/>.</param>
    public abstract GraphValue Prepare(NetworkGraph graph, GraphValue declared, int? oversampling);

    /// <summary>Adds the transformers that compute the tensor's column from the data's.</summary>
    public abstract void MakeBy(ITensorMaker maker);
}

/// <summary>Computes the columns of an exported network's tensors with ML.NET's transformers.</summary>
internal interface ITensorMaker
{
    void Make(PixelTensor pixels);

    void Make(NumberTensor numbers);

    void Make(MissingPictureTensor missing);
}

/// <summary>
/// A picture: floats [3, size, size] from 0 to 255. For ML.NET's own image transforms, which resize without cropping and antialiasing, the
/// input is the uncropped picture, enlarged by a factor, as bytes; the graph crops and averages it.
/// </summary>
/// <param name="Name">Name of the tensor.</param>
/// <param name="Image">The column, and the folder of its files.</param>
/// <param name="Form">Size and normalization of the pixels.</param>
internal sealed record PixelTensor(string Name, ImageColumn Image, PictureForm Form) : TensorColumn(Name, Image.Column)
{
    /// <summary>Name of the tensor if it is the only one.</summary>
    public const string Only = "pixels";

    public override string Description => "pixels: red, green, blue from 0 to 255; normalised inside";

    public override int SampleLength => 3 * Size * Size;

    private int Size => Form.Preprocessing.Size;

    private int Border => (ImagePlan.ShorterSide(Form.Preprocessing) - Size) / 2;

    /// <summary>Height and width of an uncropped picture.</summary>
    public int Side(int oversampling) => (Size + 2 * Border) * oversampling;

    public override GraphValue Declare(NetworkGraph graph, int? oversampling) => oversampling is { } factor
        ? graph.AddInput(Name, [3, Side(factor), Side(factor)], GraphElement.Byte)
        : graph.AddInput(Name, [3, Size, Size]);

    public override GraphValue Prepare(NetworkGraph graph, GraphValue declared, int? oversampling)
    {
        var pixels = oversampling is { } factor ? Seen(graph, declared, factor) : declared;
        var (means, scales) = PixelNormalizer.MeansAndScales(Form.Preprocessing, Form.Channels);
        if (Form.Channels == 1)
            pixels = graph.Add("Conv", [pixels, graph.Constant("luminance", [1, 3, 1, 1], PixelNormalizer.Luminance)]);
        var centred = graph.Add("Sub", [pixels, graph.Constant("mean", [means.Length, 1, 1], means)]);
        return graph.Product(centred, graph.Constant("scale", [scales.Length, 1, 1], scales));
    }

    public override void MakeBy(ITensorMaker maker) => maker.Make(this);

    // With separate names, so that all later values have the same names as in a graph of the network's own pixels.
    private GraphValue Seen(NetworkGraph graph, GraphValue picture, int factor)
    {
        var (start, end) = ((long)Border * factor, (long)(Border + Size) * factor);
        if (start > 0)
        {
            picture = graph.AddNamed(
                "uncropped.slice", "Slice", [picture, graph.Constant("uncropped.starts", start, start),
                    graph.Constant("uncropped.ends", end, end), graph.Constant("uncropped.axes", 2, 3)]);
        }
        var floats = graph.AddNamed("uncropped.cast", "Cast", [picture], ("to", NetworkGraph.FloatType));
        return factor == 1 ? floats : graph.AddNamed(
            "uncropped.averagepool", "AveragePool", [floats], ("kernel_shape", (long[])[factor, factor]),
            ("strides", (long[])[factor, factor]));
    }
}

/// <summary>Numbers, or keys as ML.NET stores them. A single key is [N, 1], as from ML.NET.</summary>
/// <param name="Name">Name of the tensor.</param>
/// <param name="Shape">Shape of a row in the network.</param>
/// <param name="AllowsMissing">Whether NaN is allowed.</param>
internal sealed record NumberTensor(string Name, ModuleContext.InputShape Shape, bool AllowsMissing) : TensorColumn(Name, Shape.Column)
{
    /// <summary>Names of the tensor if it is the only one, for numbers and keys.</summary>
    public const string OnlyNumbers = "features";
    public const string OnlyKeys = "keys";

    public bool IsOfKeys => Shape.KeyCount > 0;

    public override string Description => IsOfKeys
        ? FormattableString.Invariant($"keys: 1 to {Shape.KeyCount - 1} in the order of the key's values, 0 where it is missing")
        : AllowsMissing ? "numbers: NaN where one is missing" : "numbers: none may be missing";

    public override int SampleLength => Shape.Size * sizeof(float);

    private bool IsSingleKey => Shape.Dimensions.Count == 0;

    public override GraphValue Declare(NetworkGraph graph, int? oversampling) => graph.AddInput(
        Name, IsSingleKey ? [1] : Shape.Dimensions, IsOfKeys ? GraphElement.UInt32 : GraphElement.Single);

    public override GraphValue Prepare(NetworkGraph graph, GraphValue declared, int? oversampling) =>
        IsOfKeys ? graph.ToIndices(declared, IsSingleKey) : declared;

    public override void MakeBy(ITensorMaker maker) => maker.Make(this);
}

/// <summary>[N, 1]: 1 if the picture is missing, else 0. The pixels are then ignored.</summary>
/// <param name="Name">Name of the tensor.</param>
/// <param name="Image">The column of the picture.</param>
internal sealed record MissingPictureTensor(string Name, ImageColumn Image) : TensorColumn(Name, Image.Column)
{
    public const string Only = "missing_picture";

    public override string Description => "1 where there is no picture (its pixels may be anything then, such as 0), else 0";

    public override int SampleLength => sizeof(float);

    public override GraphValue Declare(NetworkGraph graph, int? oversampling) => graph.AddInput(Name, [1]);

    public override GraphValue Prepare(NetworkGraph graph, GraphValue declared, int? oversampling) => declared;

    public override void MakeBy(ITensorMaker maker) => maker.Make(this);
}
