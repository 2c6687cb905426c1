using MlNetFineTune.Rows;

namespace MlNetFineTune;

/// <summary>Everything that can be said about fine-tuning an image classifier. Only <see cref="Backbone"/> must be said.</summary>
public sealed record ImageFineTuningOptions
{
    /// <summary>The pretrained network and its weights.</summary>
    public required Backbone Backbone
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Backbone));
            if (value.WeightsFile is null && !value.IsFromScratch)
                throw new ArgumentException($"Say where the weights of {value.Name} come from: .WithWeights(\"file.safetensors\"), or .FromScratch() for random ones.", nameof(Backbone));
            field = value;
        }
    }

    /// <summary>The label: a key. <c>Conversion.MapValueToKey</c> makes one of text.</summary>
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>
    /// The picture: text with a file's path; a vector of Byte with the bytes of a file, as <c>LoadRawImageBytes</c> or a database gives them; an image column
    /// as <c>LoadImages</c> makes it; or, with <see cref="RawPixels"/>, a vector of pixels. Score the kind that was trained on: only files know how their
    /// photo stands upright (EXIF), and <c>LoadImages</c> reads them at full size.
    /// </summary>
    public string ImageColumnName { get; init; } = "ImagePath";

    /// <summary>Says that <see cref="ImageColumnName"/> is a vector of pixels, and how they lie. Default null: it is not.</summary>
    public RawPixels? RawPixels { get; init; }

    /// <summary>Output: the class probabilities, a vector of floats with the class names as slot names.</summary>
    public string ScoreColumnName { get; init; } = "Score";

    /// <summary>Output: the most probable class, a key with the label's key values.</summary>
    public string PredictedLabelColumnName { get; init; } = "PredictedLabel";

    /// <summary>Output, if named: text that says why a row's picture could not be read, and so has no scores; empty where it could. Default null: no such column.</summary>
    public string? ImageStatusColumnName { get; init; }

    /// <summary>Joined before relative paths; null means the current directory.</summary>
    public string? ImageFolder { get; init; }

    /// <summary>What trains. Default: everything, lower stages slower.</summary>
    public Strategy Strategy { get; init; } = Strategy.Full();

    /// <summary>Random changes to the training pictures. Default: crop and flip.</summary>
    public Augmentation Augmentation { get; init; } = Augmentation.Light;

    /// <summary>Passes over the training rows, whatever the strategy. Default 10.</summary>
    public int Epochs { get; init => field = Positive(value, nameof(Epochs)); } = 10;

    /// <summary>Pictures in one step. Default 16. The rows are spread evenly over the steps, so that there is no small last one.</summary>
    public int BatchSize { get; init => field = Positive(value, nameof(BatchSize)); } = 16;

    /// <summary>Of the head; strategies scale it for the stages below. Default 0.001.</summary>
    public float LearningRate
    {
        get;
        init => field = value > 0 && float.IsFinite(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(LearningRate), value, "The learning rate must be above 0.");
    } = 1e-3f;

    /// <summary>Default: AdamW.</summary>
    public Optimizer Optimizer { get; init; } = Optimizer.AdamW();

    /// <summary>Default: cosine with a warm-up of 5 % of the steps.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Cosine();

    /// <summary>Moves this share of the target from the true class to all classes evenly (Szegedy et al. 2015, https://arxiv.org/abs/1512.00567). 0 up to, not including, 1. Default 0.</summary>
    public float LabelSmoothing
    {
        get;
        init => field = value is >= 0 and < 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(LabelSmoothing), value, "Label smoothing must be at least 0 and below 1.");
    }

    /// <summary>Which rows judge the epochs. Default: a fifth of each class.</summary>
    public Validation Validation { get; init; } = Validation.Fraction(0.2f);

    /// <summary>Ends the training when validation has not improved for so many epochs; null (the default) runs all epochs. Needs validation.</summary>
    public int? EarlyStoppingPatience { get; init => field = value is { } epochs ? Positive(epochs, nameof(EarlyStoppingPatience)) : null; }

    /// <summary>What to do about pictures that cannot be read. Default: an error.</summary>
    public BadRows BadRows { get; init; } = BadRows.Throw;

    /// <summary>Decides every random choice. Default: the context's seed, else 0.</summary>
    public int? Seed { get; init; }

    /// <summary>Threads that read and augment pictures. Default: one a processor, at most 16. Does not change the result.</summary>
    public int Workers { get; init => field = Positive(value, nameof(Workers)); } = Math.Min(Environment.ProcessorCount, 16);

    /// <summary>Memory for what the frozen stages compute, kept from epoch to epoch. Beyond it they run again in every epoch. Default 1024 MiB; 0 keeps nothing.</summary>
    public int FeatureCacheMegabytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(FeatureCacheMegabytes));
            field = value;
        }
    } = 1024;

    /// <summary>What loading the saved model does when its probe picture scores differently here: log a warning (the default), or fail. CPUs differ, so a warning need not be a fault.</summary>
    public ProbeMismatch OnProbeMismatch { get; init; } = ProbeMismatch.Warn;

    /// <summary>Told after every step. Called on the training thread: be quick.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Ends the training within a step, with the best model so far; a warning says if none was complete. While rows are still being read there is nothing to return: use <see cref="CancellationToken"/>.</summary>
    public CancellationToken StopToken { get; init; }

    /// <summary>Ends the training with <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken CancellationToken { get; init; }

    internal ImageInput ImageInput => new(ImageColumnName, ImageFolder, RawPixels);

    private static int Positive(int value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
        return value;
    }
}
