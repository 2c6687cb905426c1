using MlNetFineTune.Data;

namespace MlNetFineTune;

/// <summary>Options of <c>ml.Transforms.ExtractImageFeatures</c>. All are optional.</summary>
public sealed record ImageFeatureOptions
{
    /// <summary>
    /// How activations are reduced to features. Default <see cref="FeaturePooling.Native"/>: the input features of the network's
    /// classifier.
    /// </summary>
    public FeaturePooling Pooling
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Pooling));
            field = value;
        }
    } = FeaturePooling.Native;

    /// <summary>
    /// Where features are cached, by the content of pictures, for further passes over the data or over other data with the same photos: in
    /// memory for the lifetime of the fitted transformer, or in a folder, also for other transformers with the same network and pooling.
    /// New features are first written to a temporary file of the folder, where only this transformer finds them. It is completed at the
    /// end of a pass with at least 64 of them (for each later file twice as many, up to 4096) or after an hour, and when the transformer is
    /// disposed. A batch of <c>CreatePredictor</c> is a pass. Not used by <c>PredictionEngine</c>, and not saved with the model: see
    /// <see cref="FeaturesTransformer.WithFeatureCache"/>. A folder that cannot be used is an <see cref="IOException"/> when rows are
    /// read. Default: <see cref="FeatureCache.None"/>.
    /// </summary>
    public FeatureCache FeatureCache
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(FeatureCache));
            field = value;
        }
    } = FeatureCache.None;

    /// <summary>
    /// Folder to which relative paths refer; saved with the model. Default null: the current directory. Only for a column of paths.
    /// </summary>
    public string? ImageFolder { get; init; }

    /// <summary>The format of the pixels if the input column contains vectors of pixels. Default null: it does not.</summary>
    public RawPixels? RawPixels { get; init; }

    /// <summary>
    /// Name of an additional text column with the reason why a picture could not be read, so that the row has no features; empty for other
    /// rows. Default null: no such column.
    /// </summary>
    public string? ImageStatusColumnName
    {
        get;
        init
        {
            if (value is not null)
                ArgumentException.ThrowIfNullOrWhiteSpace(value, nameof(ImageStatusColumnName));
            field = value;
        }
    }

    /// <summary>
    /// The reaction to different features of the probe picture when the saved model is loaded: log a warning (the default), or throw an
    /// exception. Small differences between CPUs are normal.
    /// </summary>
    public ProbeMismatch OnProbeMismatch { get; init; } = ProbeMismatch.Warn;
}
