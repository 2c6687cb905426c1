using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>Options of <c>ml.FineTuning.Examine</c>. Only <see cref="Backbone"/> must be set.</summary>
public sealed record ExaminationOptions
{
    /// <summary>
    /// The frozen network whose features find near-duplicates and likely label errors, with its weights. A network pretrained on photos
    /// finds more than one with random weights.
    /// </summary>
    /// <exception cref="ArgumentException">The backbone has no weights.</exception>
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
    /// Name of the picture column: paths, file contents, images or, with <see cref="RawPixels"/>, vectors of pixels. Default "ImagePath".
    /// </summary>
    public string ImageColumnName { get; init => field = Name(value, nameof(ImageColumnName)); } = "ImagePath";

    /// <summary>
    /// Name of the label column: a key, text or a Boolean. Default "Label". Null if there are no labels; then only pictures are examined.
    /// </summary>
    public string? LabelColumnName { get; init => field = value is null ? null : Name(value, nameof(LabelColumnName)); } = "Label";

    /// <summary>
    /// Folder to which relative paths refer. Default null: the current directory. Only for a column of paths.
    /// </summary>
    public string? ImageFolder { get; init; }

    /// <summary>Format of the pixels if the picture column contains vectors of pixels. Default null: it does not.</summary>
    public RawPixels? RawPixels { get; init; }

    /// <summary>
    /// Where features are cached by the content of pictures; a folder also serves <c>ExtractImageFeatures</c> with the same network.
    /// Default <see cref="FeatureCache.None"/>.
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
    /// Similarity from which two pictures are near-duplicates: the mean of the cosine of their features (minus the mean of all rows) and of
    /// 1 - d / 32, where d of 64 bits of their perceptual hashes differ. 0.5 to 1. Default 0.65; photos that are merely alike have up to
    /// about 0.6. A greater value misses cropped copies, a smaller one reports photos of one series.
    /// </summary>
    public float DuplicateSimilarity
    {
        get;
        init => field = Checked.Range(value, 0.5f, 1, nameof(DuplicateSimilarity));
    } = 0.65f;

    /// <summary>
    /// Number of folds for out-of-fold probabilities, from which likely label errors follow. At least 2. Default 5. Classes with fewer rows
    /// are not judged.
    /// </summary>
    public int Folds
    {
        get;
        init => field = Checked.Range(value, 2, 100, nameof(Folds));
    } = 5;

    /// <summary>The shorter side in pixels below which a picture is tiny. 1 to 65,535. Default 32.</summary>
    public int SmallestSide
    {
        get;
        init => field = Checked.Range(value, 1, DecodeLimits.MaximumSide, nameof(SmallestSide));
    } = 32;

    /// <summary>
    /// Contrast below which a picture is blank: grey levels between its 1 % darkest and its 1 % brightest pixels. 0 to 256; 0 reports none.
    /// Default 10.
    /// </summary>
    public float LeastContrast
    {
        get;
        init => field = Checked.Range(value, 0, 256, nameof(LeastContrast));
    } = 10;

    /// <summary>
    /// Sharpness below which a picture is blurred: the standard deviation of the Laplacian in the sharpest of 8 x 8 tiles at 256 pixels,
    /// divided by the standard deviation of the picture. 0 to 10; 0 reports none. Default 0.3: about the blur of a Gaussian with a standard
    /// deviation of 2 of 256 pixels.
    /// </summary>
    public float LeastSharpness
    {
        get;
        init => field = Checked.Range(value, 0, 10, nameof(LeastSharpness));
    } = 0.3f;

    /// <summary>Number of training rows below which a class has few. 1 or more; 1 reports none. Default 20.</summary>
    public int FewestRows
    {
        get;
        init => field = Checked.Range(value, 1, int.MaxValue, nameof(FewestRows));
    } = 20;

    /// <summary>
    /// The ratio of the largest class to the smallest in the training rows, above which they are imbalanced. At least 1. Default 10.
    /// </summary>
    public float GreatestImbalance
    {
        get;
        init => field = Checked.Range(value, 1, float.MaxValue, nameof(GreatestImbalance));
    } = 10;

    /// <summary>
    /// Path of an HTML file for the findings with thumbnails, which is replaced atomically. Default null: none is written. The file
    /// contains small copies of pictures.
    /// </summary>
    public string? ReportPath { get; init => field = value is null ? null : Name(value, nameof(ReportPath)); }

    /// <summary>Seed of the division in folds. Default null: the seed of the context, or 0 if it has none.</summary>
    public int? Seed { get; init; }

    /// <summary>
    /// Number of threads that decode and compare pictures. At least 1. Default: the number of processors, at most 16. Does not change the
    /// result.
    /// </summary>
    public int Workers
    {
        get;
        init => field = Checked.Range(value, 1, 1024, nameof(Workers));
    } = Math.Min(Environment.ProcessorCount, 16);

    /// <summary>
    /// Receives the fraction of the work that is done, 0 to 1, from any thread but never from two at once. Default null.
    /// </summary>
    public IProgress<float>? Progress { get; init; }

    /// <summary>Ends the examination with <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => InvariantText.Of(this);

    private static string Name(string value, string option)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value, option);
        return value;
    }
}
