using MlNetFineTune.Data;

namespace MlNetFineTune;

/// <summary>The options of <c>ml.Transforms.ExtractImageFeatures</c>. None must be set.</summary>
public sealed record ImageFeatureOptions
{
    /// <summary>How activations become features. Default <see cref="FeaturePooling.Native"/>: those of the network's classifier.</summary>
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
    /// Where features are kept, by the contents of pictures, so that another pass over the data, or over other data with the same photos,
    /// finds them. In memory as long as the fitted transformer lives; in a folder, for other transformers with the same network and
    /// pooling as well. New features gather in a temporary file of the folder, where this transformer finds them at once, and others when
    /// it is complete: at the end of a pass, if there are 64 of them (for each later file twice as many, up to 4096) or the oldest has
    /// waited for an hour; or when the transformer is disposed. So do those of <c>CreatePredictor</c>, each of whose batches is a pass. Not
    /// used by <c>PredictionEngine</c>, and not saved with the model: see <see cref="ImageFeaturesTransformer.WithFeatureCache"/>. A folder
    /// that cannot be used is an <see cref="IOException"/> when rows are read. Default: <see cref="FeatureCache.None"/>.
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
    /// The folder of relative paths; saved with the model. Default null: the current directory. Only for a column of paths.
    /// </summary>
    public string? ImageFolder { get; init; }

    /// <summary>The format of the pixels where the input column holds vectors of pixels. Default null: it does not.</summary>
    public RawPixels? RawPixels { get; init; }

    /// <summary>Name of an output column with the reason (text) why the picture of a row could not be read and the row has no features;
    /// empty for other rows. Default null: no such column.</summary>
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

    /// <summary>What loading the saved model does when its probe picture has other features here: log a warning (the default), or fail.
    /// CPUs differ, so a warning need not be a fault.</summary>
    public ProbeMismatch OnProbeMismatch { get; init; } = ProbeMismatch.Warn;
}
