using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Scoring;
using MlNetFineTune.Transforms;

// As in Scoring/ModelArchive.cs: ML.NET finds the loader by the signature in the zip.
[assembly: LoadableClass(
    typeof(ImageAugmentingTransformer), typeof(ImageAugmentingTransformerLoader), null, typeof(SignatureLoadModel), "Image augmentation",
    ImageAugmentingTransformer.LoaderSignature)]

namespace MlNetFineTune.Transforms;

/// <summary>
/// Adds a column of images: augmented while an <c>EstimatorChain</c> fits later estimators
/// (<see cref="ITransformerWithDifferentMappingAtTrainingTime"/>), otherwise unchanged. A model file contains only the columns.
/// </summary>
internal sealed class ImageAugmentingTransformer : ITransformer, ICanSaveModel, ITransformerWithDifferentMappingAtTrainingTime
{
    public const string LoaderSignature = "MlNetFineTuneAugment";

    private readonly IHost _host;
    private readonly Augmentation? _augmentation;

    /// <param name="env">Environment of the context.</param>
    /// <param name="outputColumn">Name of the output column of images.</param>
    /// <param name="input">The input column.</param>
    /// <param name="augmentation">Null in a loaded model: it is not needed in scoring and not saved.</param>
    /// <param name="seed">Seed of all augmented pictures.</param>
    public ImageAugmentingTransformer(
        IHostEnvironment env, string outputColumn, ImageColumn input, Augmentation? augmentation = null, long seed = 0)
    {
        _host = env.Register(nameof(ImageAugmentingTransformer));
        (OutputColumn, Input, _augmentation) = (outputColumn, input, augmentation);
        Augmenter = augmentation is null ? null : new PictureAugmenter(augmentation, seed);
    }

    public static VersionInfo Version { get; } = new(
        modelSignature: "MNFTAUGM",
        verWrittenCur: 0x00010001,
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderSignature: LoaderSignature,
        loaderAssemblyName: typeof(ImageAugmentingTransformer).Assembly.GetName().Name); // see Scoring/ModelArchive.cs

    public string OutputColumn { get; }

    public ImageColumn Input { get; }

    /// <summary>Null in a loaded model.</summary>
    public PictureAugmenter? Augmenter { get; }

    bool ITransformer.IsRowToRowMapper => true;

    public static ImageAugmentingTransformer Load(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        var (output, input, folder) = (ctx.LoadNonEmptyString(), ctx.LoadNonEmptyString(), ctx.LoadStringOrNull());
        return new ImageAugmentingTransformer(env, output, new ImageColumn(input, folder, Pixels: null));
    }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return RowToRowMapperTransform.GetOutputSchema(inputSchema, new AugmentingMapper(_host, this, AugmentingMode.Scoring, inputSchema));
    }

    public IDataView Transform(IDataView input) => Mapped(input, AugmentingMode.Scoring);

    /// <summary>Maps the rows in the given mode.</summary>
    public RowToRowMapperTransform Mapped(IDataView input, AugmentingMode mode)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new RowToRowMapperTransform(
            _host, input, new AugmentingMapper(_host, this, mode, input.Schema), schema => new AugmentingMapper(_host, this, mode, schema));
    }

    IDataView ITransformerWithDifferentMappingAtTrainingTime.TransformForTrainingPipeline(IDataView input) => _augmentation is null
        ? Transform(input)
        : new AugmentedView(Mapped(input, AugmentingMode.Training), this, _augmentation);

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) =>
        Mapped(new EmptyDataView(_host, inputSchema), AugmentingMode.Scoring);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        ctx.SaveNonEmptyString(OutputColumn);
        ctx.SaveNonEmptyString(Input.Column);
        ctx.SaveStringOrNull(Input.Folder);
    }
}

// ML.NET finds it by reflection.
internal static class ImageAugmentingTransformerLoader
{
    private static ImageAugmentingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => ImageAugmentingTransformer.Load(env, ctx));
}
