using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>
/// Random, label-preserving changes to training pictures, drawn anew in every epoch. Pictures are not augmented in validation and scoring.
/// </summary>
public abstract partial record Augmentation
{
    private protected Augmentation()
    {
    }

    /// <summary>
    /// No augmentation: every epoch uses the same centre crop as scoring, so that the features of frozen stages can be computed once
    /// instead of in every epoch. <see cref="FixedViews"/> allows this with augmentation.
    /// </summary>
    public static Augmentation None { get; } = new CenterCrop();

    /// <summary>
    /// <see cref="RandomResizedCrop"/> with its defaults, then <see cref="HorizontalFlip"/>: the usual choice for fine-tuning, and the
    /// default for images.
    /// </summary>
    public static Augmentation Light { get; } = Sequence(RandomResizedCrop(), HorizontalFlip());

    /// <summary>
    /// For most data: <see cref="RandomResizedCrop"/> of at least 25 % of the area, so that the subject stays in view,
    /// <see cref="HorizontalFlip"/>, and <see cref="ColorJitter"/> of 0.3 for brightness, contrast and saturation. Costs little more than
    /// <see cref="Light"/>.
    /// </summary>
    public static Augmentation Standard { get; } =
        Sequence(RandomResizedCrop(minimumArea: 0.25f), HorizontalFlip(), ColorJitter(0.3f, 0.3f, 0.3f));

    /// <summary>
    /// For small data sets and long training: as <see cref="Standard"/>, with two operations of <see cref="RandAugment"/> instead of the
    /// colour jitter.
    /// </summary>
    public static Augmentation Strong { get; } = Sequence(RandomResizedCrop(minimumArea: 0.25f), HorizontalFlip(), RandAugment());

    /// <summary>
    /// Applies operations one after another. Independently of their order, all geometric operations are applied first, in one resampling
    /// pass over the source; operations on pixels follow in order, then those on batches.
    /// </summary>
    /// <param name="operations">The operations: at least one, but neither <see cref="None"/> nor <see cref="FixedViews"/>.</param>
    /// <exception cref="ArgumentException">There is no operation, or one that cannot be part of a sequence.</exception>
    public static Augmentation Sequence(params Augmentation[] operations) => new AugmentationSequence(operations);

    /// <summary>
    /// A fixed number of random views of each picture instead of new ones in every epoch: epoch e uses view e mod <paramref name="count"/>.
    /// The features of frozen stages are then computed once for each view and cached (<see cref="MlNetFineTune.FeatureCache"/>), so that
    /// head-only training with augmentation costs only <paramref name="count"/> passes through the backbone. The views are the same with
    /// and without a cache.
    /// </summary>
    /// <remarks>
    /// A view's random numbers depend only on the seed, the view and the picture's bytes: not on other pictures, their order or the number
    /// of threads; duplicates of a picture have the same views. <see cref="MixUp"/> and <see cref="CutMix"/> cannot be fixed, because they
    /// depend on the other pictures of a batch.
    /// </remarks>
    /// <param name="augmentation">The augmentation that draws the views. <see cref="RandomErasing"/> is allowed.</param>
    /// <param name="count">Number of views of each picture. 1 to 1000; views beyond the number of epochs are not used.</param>
    /// <exception cref="ArgumentException">
    /// The views of <paramref name="augmentation"/> are fixed already, or it mixes pictures of a batch.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The number of views is out of range.</exception>
    public static Augmentation FixedViews(Augmentation augmentation, int count) => new FixedViews(augmentation, count);

    /// <summary>
    /// Writes a contact sheet of augmented pictures: a PNG with a row for each picture, first as in scoring, then augmented
    /// <paramref name="samples"/> times. If you cannot recognise the label in it, the augmentation is too strong. Operations on batches
    /// (<see cref="MixUp"/>, <see cref="CutMix"/>, <see cref="RandomErasing"/>) are not shown.
    /// </summary>
    /// <param name="imagePaths">Paths of JPEG, PNG, GIF, BMP or WebP files.</param>
    /// <param name="path">Path of the PNG file. An existing file is replaced atomically.</param>
    /// <param name="samples">Number of augmented pictures in a row. 1 to 100. Default 6.</param>
    /// <param name="size">Side of each picture in pixels. 32 to 1024. Default 160.</param>
    /// <param name="seed">Seed of the random numbers; the same seed gives the same sheet. Default 0.</param>
    /// <exception cref="InvalidDataException">A picture cannot be read.</exception>
    public void SaveContactSheet(IEnumerable<string> imagePaths, string path, int samples = 6, int size = 160, long seed = 0) =>
        ContactSheet.Save(this, [.. imagePaths], path, samples, size, seed);

    /// <summary>Name and settings as text, in the invariant culture.</summary>
    public sealed override string ToString() => Text;

    private protected virtual string Text => InvariantText.Of(this);

    internal bool IsNone => this is CenterCrop;

    /// <summary>Number of fixed views of a picture; null if every epoch draws a new one.</summary>
    internal virtual int? Views => null;

    /// <summary>
    /// Whether it chooses the region of the whole picture. Operations that do not crop act on the centre crop of scoring.
    /// </summary>
    internal virtual bool Crops => false;

    /// <summary>Its operations: itself, or the parts of a sequence.</summary>
    internal virtual IEnumerable<Augmentation> Operations => [this];

    internal abstract void Apply(ref ImagePlan plan, ref CountedRandom random);

    // None: the view of evaluation, independent of random numbers.
    private sealed record CenterCrop : Augmentation
    {
        internal override int? Views => 1;

        internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
        {
        }

        private protected override string Text => nameof(None);
    }
}
