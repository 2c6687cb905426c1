using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>Everything that can be said about fine-tuning on images. Only <see cref="Backbone"/> must be said.</summary>
public sealed record ImageFineTuningOptions : FineTuningOptions
{
    /// <summary>Sets the defaults that differ from those of other networks.</summary>
    public ImageFineTuningOptions() => Augmentation = Augmentation.Light;

    /// <summary>The pretrained network and its weights.</summary>
    [NotInFingerprint("its form, recipe and weights are hashed")]
    public required Backbone Backbone
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Backbone));
            if (!value.HasWeights)
                throw new ArgumentException($"Say where the weights of {value.Name} come from: .WithWeights(\"file.safetensors\"), or .FromScratch() for random ones.", nameof(Backbone));
            field = value;
        }
    }

    /// <summary>
    /// The picture: text with a file's path; a vector of Byte with the bytes of a file, as <c>LoadRawImageBytes</c> or a database gives them; an image column
    /// as <c>LoadImages</c> makes it; or, with <see cref="RawPixels"/>, a vector of pixels. Score the kind that was trained on: only files know how their
    /// photo stands upright (EXIF), and <c>LoadImages</c> reads JPEG at full size, by which probabilities differ by up to 0.06.
    /// </summary>
    [NotInFingerprint("the pictures are told apart by their names and lengths, or their bytes")]
    public string ImageColumnName { get; init; } = "ImagePath";

    /// <summary>Says that <see cref="ImageColumnName"/> is a vector of pixels, and how they lie. Default null: it is not.</summary>
    public RawPixels? RawPixels { get; init; }

    /// <summary>Output, if named: text that says why a row's picture could not be read, and so has no scores; empty where it could. Default null: no such column.</summary>
    [NotInFingerprint("an output")]
    public string? ImageStatusColumnName { get; init; }

    /// <summary>
    /// Joined before relative paths, and saved with the model; null (the default) means the current directory. A path with Windows'
    /// backslashes is found on other systems too. Only for a column of
    /// paths: with another kind of column training fails before it reads anything.
    /// </summary>
    [NotInFingerprint("the pictures are told apart by their names and lengths")]
    public string? ImageFolder { get; init; }

    /// <summary>Which views of a picture the fitted model scores; validation sees one. Saved with the model, and changed on it by <see cref="FineTuningTransformer.WithTestTimeAugmentation"/>. Default: the centre crop alone.</summary>
    [NotInFingerprint("of scoring")]
    public TestTimeAugmentation TestTimeAugmentation { get; init; } = TestTimeAugmentation.None;

    /// <summary>
    /// What will train, in words: for each phase of the training its epochs, and for each stage the parameters that train, how many numbers
    /// they are, and their learning rate before the schedule. Reads no data.
    /// </summary>
    /// <param name="outputs">Numbers that the head gives: classes, or 1. At least 1, default 2.</param>
    /// <exception cref="ArgumentException">Strategy or adapter do not fit the backbone.</exception>
    public string Describe(int outputs = 2)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        using var network = ImageNetwork.CreateEmpty(Backbone, outputs);
        var rules = Adapter.Apply(network, Strategy.Resolve(Backbone.Name, Backbone.Stages, Epochs), seed: 0, log: _ => { });
        return PlanDescription.Of(rules.Resolve(network, BatchNorm), network, LearningRate);
    }

    internal ImageColumn ImageColumn => new(ImageColumnName, ImageFolder, RawPixels);

    internal override string? StatusColumnName => ImageStatusColumnName;

    internal override string ComponentName => "FineTuneImages";

    internal override TestTimeAugmentation ScoringViews => TestTimeAugmentation;

    internal override void CheckInputs(SchemaShape schema, IExceptionContext context) =>
        ImageColumn.Check(schema, context, "inputSchema");

    internal override ModelInput CreateInput(IExceptionContext context, DataViewSchema schema) => CreateInput();

    internal ImageInput CreateInput() => new(ImageColumn, new ImageEncoder(Backbone.Preprocessing), Backbone.InputChannels);

    internal override FineTunedNetwork CreateNetwork(ModelInput input, BoundTask task, long seed, Action<string> log)
    {
        var network = ImageNetwork.Create(Backbone, task.CreateHead, seed, log);
        try
        {
            (Backbone.Weights as WeightsSource.Earlier)?.Model.CopyHead(network, task.ExclusiveClasses, log);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    internal override FineTuningTrainer CreateTrainer(IHostEnvironment env) => new(env, this);

    internal override void Check()
    {
        base.Check();
        Strategy.Resolve(Backbone.Name, Backbone.Stages, Epochs); // fails here rather than after the data are read
        if (BatchNorm == BatchNormMode.Frozen && Backbone.IsFromScratch)
            throw new ArgumentException($"BatchNormMode.Frozen keeps pretrained statistics, and {Backbone} has none.", "options");
        if (ActivationCheckpointing && Backbone.Script is not null)
        {
            throw new ArgumentException(
                "ActivationCheckpointing computes stages again one by one, and a TorchScript program runs as a whole: leave it out, and lower "
                + "BatchSize with AccumulationSteps instead.", "options");
        }
        if (Backbone.InputChannels is not (1 or 3))
        {
            throw new ArgumentException(
                $"Backbone.InputChannels is {Backbone.InputChannels}, but pictures have 3 channels (colours) or 1 (luminance).", "options");
        }
        if (3L * Backbone.Preprocessing.Size * Backbone.Preprocessing.Size * BatchSize > Array.MaxLength)
        {
            throw new ArgumentException(
                $"BatchSize {BatchSize} pictures of {Backbone.Preprocessing.Size} pixels do not fit into one buffer: lower BatchSize.", "options");
        }
        Distillation.Check(Backbone.Name, new PictureForm(Backbone.Preprocessing, Backbone.InputChannels));
        BatchAugmentation.Check(Augmentation, Epochs);
        TestTimeAugmentation.Views(Backbone.Preprocessing);
    }
}
