using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;






namespace MlNetFineTune;

/// <summary>Everything that can be said about fine-tuning an image classifier. Only <see cref="Backbone"/> must be said.</summary>
/// <remarks>The label is a key, the score a vector of class probabilities with the class names as slot names.</remarks>
public sealed record ImageFineTuningOptions : FineTuningOptions
{
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

    /// <summary>Small matrices that train in the place of the backbone's own weights. Default: none.</summary>
    public Adapter Adapter
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Adapter));
            field = value;
        }
    } = Adapter.None;

    /// <summary>
    /// The picture: text with a file's path; a vector of Byte with the bytes of a file, as <c>LoadRawImageBytes</c> or a database gives them; an image column
    /// as <c>LoadImages</c> makes it; or, with <see cref="RawPixels"/>, a vector of pixels. Score the kind that was trained on: only files know how their
    /// photo stands upright (EXIF), and <c>LoadImages</c> reads JPEG at full size, by which probabilities differ by up to 0.06.
    /// </summary>
    [NotInFingerprint("the pictures are told apart by their names and lengths, or their bytes")]
    public string ImageColumnName { get; init; } = "ImagePath";

    /// <summary>Says that <see cref="ImageColumnName"/> is a vector of pixels, and how they lie. Default null: it is not.</summary>
    public RawPixels? RawPixels { get; init; }

    /// <summary>Output: the most probable class, a key with the label's key values.</summary>
    [NotInFingerprint("an output")]
    public string PredictedLabelColumnName { get; init; } = "PredictedLabel";

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

    /// <summary>Random changes to the training pictures. Default: crop and flip.</summary>
    public Augmentation Augmentation { get; init; } = Augmentation.Light;

    /// <summary>What training makes small. Default: cross-entropy without smoothing.</summary>
    public ClassificationLoss Loss { get; init; } = ClassificationLoss.CrossEntropy();

    /// <summary>How much the rows of each class count. Default: all alike.</summary>
    public ClassWeights ClassWeights { get; init; } = ClassWeights.None;

    /// <summary>Whether probabilities are calibrated on the validation rows. Validation, and so the fit, sees one view of a picture. Default: they are not.</summary>
    public Calibration Calibration { get; init; } = Calibration.None;

    /// <summary>A trained model that teaches this one beside the labels. Default: none.</summary>
    public Distillation Distillation
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Distillation));
            field = value;
        }
    } = Distillation.None;

    /// <summary>Where the output of the frozen stages is kept from epoch to epoch. Default: in 1024 MiB of memory.</summary>
    [NotInFingerprint("keeps what would be computed again")]
    public FeatureCache FeatureCache
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(FeatureCache));
            field = value;
        }
    } = FeatureCache.InMemory();

    /// <summary>Which views of a picture the fitted model scores; validation sees one. Saved with the model, and changed on it by <see cref="ImageFineTuningTransformer.WithTestTimeAugmentation"/>. Default: the centre crop alone.</summary>
    [NotInFingerprint("of scoring")]
    public TestTimeAugmentation TestTimeAugmentation { get; init; } = TestTimeAugmentation.None;

    /// <summary>What will train, in words: for each part of the training its epochs, and for each stage the parameters that train, how many numbers they are, and their learning rate before the schedule. Reads no data.</summary>
    /// <param name="classes">How many classes the head tells apart. At least 1.</param>
    /// <exception cref="ArgumentException">Strategy or adapter do not fit the backbone.</exception>
    public string Describe(int classes = 2)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        using var classifier = ImageClassifier.CreateEmpty(Backbone, classes);
        var plan = Adapter.Apply(classifier, Strategy.Resolve(Backbone.Name, Backbone.Stages, Epochs), seed: 0, log: _ => { });
        return PlanDescription.Of(plan, classifier, LearningRate, BatchNorm);
    }

    /// <summary>
    /// Whether the activations within a stage are computed again on the way back rather than kept (Chen et al. 2016, https://arxiv.org/abs/1604.06174): the training needs the memory of its
    /// largest stage instead of all of them, takes about a third longer, and gives the same weights. Default: they are kept.
    /// </summary>
    [NotInFingerprint("the same weights in less memory")]
    public bool ActivationCheckpointing { get; init; }

    internal ImageInput ImageInput => new(ImageColumnName, ImageFolder, RawPixels);

    internal override Augmentation RowAugmentation => Augmentation;

    internal override Calibration ScoreCalibration => Calibration;

    internal override FeatureCache Features => FeatureCache;

    internal override bool Recomputes => ActivationCheckpointing;

    internal override void Check()
    {
        base.Check();
        CheckDifferent([
            (nameof(ScoreColumnName), ScoreColumnName), (nameof(PredictedLabelColumnName), PredictedLabelColumnName),
            .. ImageStatusColumnName is { } status ? [(nameof(ImageStatusColumnName), status)] : (ReadOnlySpan<(string, string)>)[]]);
        if (BatchNorm == BatchNormMode.Frozen && Backbone.IsFromScratch)
            throw new ArgumentException($"BatchNormMode.Frozen keeps pretrained statistics, and {Backbone} has none.", "options");
        if (ActivationCheckpointing && Backbone.Script is not null)
            throw new ArgumentException("ActivationCheckpointing computes stages again one by one, and a TorchScript program runs as a whole: leave it out, and lower BatchSize with AccumulationSteps instead.", "options");
        if (Backbone.InputChannels is not (1 or 3))
            throw new ArgumentException($"Backbone.InputChannels is {Backbone.InputChannels}, but pictures have 3 channels (colours) or 1 (luminance).", "options");
        if (3L * Backbone.Preprocessing.Size * Backbone.Preprocessing.Size * BatchSize > Array.MaxLength)
            throw new ArgumentException($"BatchSize {BatchSize} pictures of {Backbone.Preprocessing.Size} pixels do not fit into one buffer: lower BatchSize.", "options");
        Distillation.Check(Backbone);
        BatchAugmentation.Check(Augmentation, Epochs);
        TestTimeAugmentation.Views(Backbone.Preprocessing);
    }
}
