using MlNetFineTune.Data;

namespace MlNetFineTune;

/// <summary>Options of <c>ml.Transforms.ExtractTextFeatures</c>. All are optional.</summary>
public sealed record TextFeatureOptions
{
    /// <summary>
    /// Whether each vector is divided by its Euclidean length, as sentence encoders do: the scalar product of two vectors is then the
    /// cosine of their angle. Default true.
    /// </summary>
    public bool Normalize { get; init; } = true;

    /// <summary>
    /// Maximum number of tokens in a row, special tokens included. Longer texts are truncated, and the log says how many. 6 to
    /// <see cref="TextBackbone.MaximumLength"/>. Default null: 256, as most sentence encoders have, or
    /// <see cref="TextBackbone.MaximumLength"/> if that is lower. Time and memory grow with the length of the actual texts only.
    /// </summary>
    public int? MaximumLength
    {
        get;
        init
        {
            if (value is { } length)
                ArgumentOutOfRangeException.ThrowIfLessThan(length, TextInputManifest.Shortest, nameof(MaximumLength));
            field = value;
        }
    }

    /// <summary>
    /// What remains of longer texts. Default <see cref="TextTruncation.KeepStart"/>. With <see cref="TextTruncation.Refuse"/> they have
    /// missing features (NaN), and <see cref="TextStatusColumnName"/> has the reason.
    /// </summary>
    public TextTruncation Truncation
    {
        get;
        init => field = Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Truncation), value, "There is no such truncation.");
    }

    /// <summary>
    /// Name of a second column of texts. Both texts enter the network as one sequence with a separator: for encoders that were trained on
    /// pairs. To compare two texts by the cosine of their vectors, extract each by itself. Default null: single texts.
    /// </summary>
    public string? SecondTextColumnName
    {
        get;
        init
        {
            if (value is not null)
                ArgumentException.ThrowIfNullOrWhiteSpace(value, nameof(SecondTextColumnName));
            field = value;
        }
    }

    /// <summary>
    /// Where features are cached, by the SHA-256 of texts, for further passes over the data or over other data with the same texts. As
    /// <see cref="ImageFeatureOptions.FeatureCache"/>. Default: <see cref="FeatureCache.None"/>.
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
    /// Name of an additional text column with the reason why a text could not be used, so that the row has no features; empty for other
    /// rows. Default null: no such column.
    /// </summary>
    public string? TextStatusColumnName
    {
        get;
        init
        {
            if (value is not null)
                ArgumentException.ThrowIfNullOrWhiteSpace(value, nameof(TextStatusColumnName));
            field = value;
        }
    }

    /// <summary>
    /// The reaction to different features of the probe text when the saved model is loaded: log a warning (the default), or throw an
    /// exception. Small differences between CPUs are normal.
    /// </summary>
    public ProbeMismatch OnProbeMismatch { get; init; } = ProbeMismatch.Warn;
}
