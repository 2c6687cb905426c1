using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>The options of fine-tuning on images. Only <see cref="Backbone"/> must be set.</summary>
public sealed record ImageFineTuningOptions : FineTuningOptions
{
    /// <summary>
    /// Sets the default that differs from other networks: <see cref="Augmentation"/> is <see cref="Augmentation.Light"/>.
    /// </summary>
    public ImageFineTuningOptions() => (Augmentation, AsksForAugmentation) = (Augmentation.Light, false);

    /// <summary>The network and its initial weights. Required.</summary>
    [NotInFingerprint("its form, recipe and weights are hashed")]
    public required Backbone Backbone
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Backbone));
            if (!value.HasWeights)
                throw new ArgumentException($"Say where the weights of {value.Name} come from: "
                    + ".WithWeights(\"file.safetensors\"), or .FromScratch() for random ones.", nameof(Backbone));
            field = value;
        }
    }

    /// <summary>
    /// How the head reduces the last maps or tokens of the network to features. Saved with the model. Default
    /// <see cref="HeadPooling.Native"/>: as the network was pretrained.
    /// </summary>
    public HeadPooling Pooling
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Pooling));
            field = value;
        }
    } = HeadPooling.Native;

    /// <summary>
    /// Name of the image column: text with paths of files; vectors of Byte with the content of files, as from <c>LoadRawImageBytes</c> or a
    /// database; images, as from <c>LoadImages</c>; or, with <see cref="RawPixels"/>, vectors of pixels. Default "ImagePath". Use the same
    /// kind of column for training and scoring: only files have an EXIF orientation, and <c>LoadImages</c> decodes JPEG at full size, which
    /// changes probabilities by up to 0.06.
    /// </summary>
    [NotInFingerprint("the pictures are told apart by their names and lengths, or their bytes")]
    public string ImageColumnName { get; init; } = "ImagePath";

    /// <summary>
    /// The pixel format if <see cref="ImageColumnName"/> contains vectors of pixels. Default null: the column has another type.
    /// </summary>
    public RawPixels? RawPixels { get; init; }

    /// <summary>
    /// Name of an output column (text) with the reason why the picture of a row could not be read, so that its scores are NaN; empty for
    /// other rows. Default null: no such column.
    /// </summary>
    [NotInFingerprint("an output")]
    public string? ImageStatusColumnName { get; init; }

    /// <summary>
    /// The folder to which relative paths refer; saved with the model. Default null: the current directory. Backslashes in paths work on
    /// all systems. Only for a column of paths: with another type of column, <c>Fit</c> fails before it reads rows.
    /// </summary>
    [NotInFingerprint("the pictures are told apart by their names and lengths")]
    public string? ImageFolder { get; init; }

    /// <summary>
    /// Tabular columns beside the picture (late fusion): numbers and keys, as for <see cref="ModuleInput.Column"/>; a name is enough.
    /// Numbers are standardised with the mean and standard deviation of the training rows. NaN and missing keys are allowed; the network
    /// receives an indicator of missing values. Additional layers map the columns to <see cref="TableFeatures"/> features, which are
    /// concatenated with the picture's features before the head. These layers belong to the head: they are trained in every strategy, at
    /// the head's learning rate, and their tensors are named <c>table.*</c>. Default: none. Cannot be combined with <c>MixUp</c> and
    /// <c>CutMix</c>, because rows of a table cannot be mixed.
    /// </summary>
    public IReadOnlyList<ModuleInput> TableColumns
    {
        get;
        init => field = Data.TableColumns.Checked(value);
    } = [];

    /// <summary>
    /// Number of features that the table's layers pass to the head. At least 1, default 32. Ignored without <see cref="TableColumns"/>.
    /// </summary>
    public int TableFeatures
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, nameof(TableFeatures));
            field = value;
        }
    } = 32;

    /// <summary>
    /// Treatment of rows without a picture, in training and scoring. Default <see cref="MissingPictures.Refuse"/>. Other values require
    /// <see cref="TableColumns"/>.
    /// </summary>
    public MissingPictures MissingPictures
    {
        get;
        init => field = Enum.IsDefined(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(MissingPictures), value, "There is no such choice.");
    }

    /// <summary>
    /// The views of a picture that the fitted model scores and averages; validation always uses one. Saved with the model;
    /// <see cref="FineTuningTransformer.WithTestTimeAugmentation"/> changes it for a model. Default
    /// <see cref="TestTimeAugmentation.None"/>: the centre crop only.
    /// </summary>
    [NotInFingerprint("of scoring")]
    public TestTimeAugmentation TestTimeAugmentation { get; init; } = TestTimeAugmentation.None;

    /// <summary>
    /// Where photos are kept shrunk, so that augmented epochs after the first do not decode files. The result is that of training on the
    /// shrunk photos, whether or not they are in the cache. Validation, unaugmented phases and scoring use the original files. Default
    /// <see cref="PictureCache.None"/>: files are decoded in every epoch.
    /// </summary>
    public PictureCache PictureCache
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(PictureCache));
            field = value;
        }
    } = PictureCache.None;

    /// <summary>
    /// Trains the first epochs on smaller pictures, which takes less time: a step at 160 pixels computes half of what one at 224 does.
    /// Validation and scoring have pictures of full size, as have features of frozen stages that are kept (<c>FeatureCache</c>), a teacher
    /// (<c>Distillation</c>), and early stopping begins with the epochs at full size. Default null: all epochs have full size.
    /// </summary>
    /// <remarks>Convolutional networks take pictures of any size; transformers do not, and are refused.</remarks>
    public ProgressiveResizing? ProgressiveResizing { get; init; }

    /// <summary>
    /// Describes the planned training as text: the epochs of each phase, and for each stage the trained parameters, their number and their
    /// learning rate before the schedule. Reads no data and therefore omits the layers of <see cref="TableColumns"/>, which are trained
    /// with the head.
    /// </summary>
    /// <param name="outputs">Number of outputs of the head, for example the number of classes. At least 1. Default 2.</param>
    /// <exception cref="ArgumentException">The strategy or the adapter does not fit the backbone.</exception>
    public string Describe(int outputs = 2)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        using var network = ImageNetwork.CreateEmpty(Pooled, outputs);
        return PlanDescription.Of(PlanFor(network, seed: 0, log: _ => { }), network, LearningRate);
    }

    // The network as the head reads it.
    private Backbone Pooled => Backbone.PooledBy(Pooling);

    internal ImageColumn ImageColumn => new(ImageColumnName, ImageFolder, RawPixels);

    internal override string? StatusColumnName => ImageStatusColumnName;

    internal override string ComponentName => "FineTuneImages";

    internal override string PictureColumn => ImageColumnName;

    internal override TestTimeAugmentation ScoringViews => TestTimeAugmentation;

    internal override ProgressiveResizing? Resizing => ProgressiveResizing;

    internal override FineTuningOptions AtFullSize => this with { ProgressiveResizing = null };

    internal override void CheckInputs(SchemaShape schema, IExceptionContext context)
    {
        ImageColumn.Check(schema, context, "inputSchema");
        Data.TableColumns.Check(TableColumns, context, schema);
    }

    internal override ModelInput CreateInput(IExceptionContext context, DataViewSchema schema) => TableColumns.Count == 0
        ? CreateInput()
        : new FusedInput(CreateInput(), Data.TableColumns.InputsOf(TableColumns, context, schema), MissingPictures);

    internal ImageInput CreateInput() =>
        new(ImageColumn, new ImageEncoder(Backbone.Preprocessing), Backbone.InputChannels, pictures: PictureCache);

    internal override FineTunedNetwork CreateNetwork(ModelInput input, BoundTask task, long seed, Action<string> log) =>
        Backbone.Weights.WithHead(
            ImageNetwork.Create(Pooled, task.CreateHead, seed, log, TableFormOf(input)), task.ExclusiveClasses, log);

    internal override void InitializeHead(FineTunedNetwork network, BoundTask task, RowSubset training) =>
        task.InitializeHead(((ImageNetwork)network).Head, training, Sampling.NeedsClasses, Sampling.Label);

    internal override void FitInput(FineTunedNetwork network, RowSubset training, IChannel channel)
    {
        if (network is ImageNetwork { Table: { } table })
            Data.TableColumns.Fit(table, training, channel);
    }

    internal override IReadOnlyDictionary<string, string> DescribeOwn() => new Dictionary<string, string>
    {
        [nameof(Pooling)] = Pooling.ToString(),
        [nameof(PictureCache)] = PictureCache.Description(Backbone.Preprocessing),
        [nameof(ProgressiveResizing)] = ProgressiveResizing?.ToString() ?? "none",
        [nameof(RawPixels)] = RawPixels?.ToString() ?? "none",
        [nameof(TestTimeAugmentation)] = TestTimeAugmentation.ToString(),
        [nameof(TableColumns)] = TableColumns.Count == 0 ? "none" : string.Join(", ", TableColumns.Select(column => column.ColumnName)),
        [nameof(TableFeatures)] = TableFeatures.ToString(CultureInfo.InvariantCulture),
        [nameof(MissingPictures)] = MissingPictures.ToString(),
    };

    internal override FineTuningTrainer CreateTrainer(IHostEnvironment env) => new(env, this);

    internal override void Check()
    {
        base.Check();
        Strategy.Resolve(Backbone.Name, Pooled.Stages, Epochs); // fails here instead of after the data are read
        if (BatchNorm == BatchNormMode.Frozen && Backbone.IsFromScratch)
            throw new ArgumentException($"BatchNormMode.Frozen keeps pretrained statistics, and {Backbone} has none.", "options");
        if (ActivationCheckpointing && Backbone.Script is not null)
        {
            throw new ArgumentException(
                "ActivationCheckpointing computes stages again one by one, and a TorchScript program runs as a whole: "
                + "leave it out, and lower BatchSize with AccumulationSteps instead.", "options");
        }
        if (Backbone.InputChannels is not (1 or 3))
        {
            throw new ArgumentException(
                $"Backbone.InputChannels is {Backbone.InputChannels}, but pictures have 3 channels (colours) or 1 (luminance).", "options");
        }
        if (3L * Backbone.Preprocessing.Size * Backbone.Preprocessing.Size * BatchSize > Array.MaxLength)
        {
            throw new ArgumentException(
                $"BatchSize {BatchSize} pictures of {Backbone.Preprocessing.Size} pixels do not fit into one buffer: "
                    + "lower BatchSize.", "options");
        }
        PictureCache.Check(Backbone.Preprocessing);
        if (ProgressiveResizing is not null && FrozenEngine != FrozenEngine.LibTorch)
        {
            throw new ArgumentException(
                $"FrozenEngine.{FrozenEngine} computes pictures of one size, and ProgressiveResizing gives two: leave one of them out.",
                "options");
        }
        ProgressiveResizing?.Check(Backbone, Epochs);
        Distillation.Check(Backbone.Name, new PictureForm(Backbone.Preprocessing, Backbone.InputChannels));
        CheckTable();
        BatchAugmentation.Check(Augmentation, Epochs);
        TestTimeAugmentation.Views(Backbone.Preprocessing);
    }

    private TableForm? TableFormOf(ModelInput input) => TableColumns.Count == 0
        ? null
        : new TableForm([.. input.Shapes.Skip(1)], TableFeatures, MissingPictures != MissingPictures.Refuse).Checked();

    private void CheckTable()
    {
        if (TableColumns.Count == 0)
        {
            if (MissingPictures != MissingPictures.Refuse)
            {
                throw new ArgumentException(
                    $"MissingPictures.{MissingPictures} needs TableColumns: a row without a picture would have nothing to say.", "options");
            }
            return;
        }
        if (TableColumns.FirstOrDefault(column => column.ColumnName == LabelColumnName) is not null)
        {
            throw new ArgumentException(
                $"TableColumns has '{LabelColumnName}', which is the label: the network would read the answer. Leave it out.", "options");
        }
        if (Augmentation.Operations.FirstOrDefault(operation => operation is IMixing) is { } mixing)
        {
            throw new ArgumentException(
                $"{mixing.GetType().Name} blends pictures, and half a picture has no row of a table: leave it out, or leave "
                + "TableColumns out.",
                "options");
        }
        if (MissingPictures != MissingPictures.Refuse && Conformal is { } conformal
            && conformal.Novelty != ConformalPrediction.NoveltyScore.None)
        {
            throw new ArgumentException(
                $"MissingPictures.{MissingPictures} and ConformalPrediction.Novelty do not go together: the novelty is that of the "
                + "picture. Set Novelty = NoveltyScore.None.", "options");
        }
        if (MissingPictures != MissingPictures.Refuse && Distillation != Distillation.None)
        {
            throw new ArgumentException(
                $"MissingPictures.{MissingPictures} and Distillation do not go together: of a row without a picture a "
                + "teacher sees nothing.",
                "options");
        }
    }
}
