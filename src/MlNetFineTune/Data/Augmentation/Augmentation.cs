using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>
/// Random changes to training pictures, new in every epoch, that leave the label right. Pictures are never augmented in validation and
/// scoring.
/// </summary>
public abstract partial record Augmentation
{
    private protected Augmentation()
    {
    }

    /// <summary>
    /// Every epoch sees the same centre crop that scoring sees. What is frozen is then computed once, not once an epoch;
    /// <see cref="FixedViews"/> have it both ways.
    /// </summary>
    public static Augmentation None { get; } = new CenterCrop();

    /// <summary>
    /// <see cref="RandomResizedCrop"/> as in its paper, then <see cref="HorizontalFlip"/>: the usual choice for fine-tuning.
    /// </summary>
    public static Augmentation Light { get; } = Sequence(RandomResizedCrop(), HorizontalFlip());

    /// <summary>
    /// For everyday fine-tuning: crops of at least a quarter of the picture, so that its subject stays in view,
    /// <see cref="HorizontalFlip"/>, and mild changes of brightness, contrast and saturation (<see cref="ColorJitter"/> of 0.3 each). Costs
    /// little more than <see cref="Light"/>.
    /// </summary>
    public static Augmentation Standard { get; } =
        Sequence(RandomResizedCrop(minimumArea: 0.25f), HorizontalFlip(), ColorJitter(0.3f, 0.3f, 0.3f));

    /// <summary>
    /// For small data sets and long training: as <see cref="Standard"/>, with two operations of <see cref="RandAugment"/> instead of the
    /// jitter.
    /// </summary>
    public static Augmentation Strong { get; } = Sequence(RandomResizedCrop(minimumArea: 0.25f), HorizontalFlip(), RandAugment());

    /// <summary>
    /// One operation after another. However they are ordered, geometry is drawn first, from the photo itself and in one pass; what acts on
    /// pixels follows, in order.
    /// </summary>
    /// <param name="operations">At least one, but neither <see cref="None"/> nor <see cref="FixedViews"/>.</param>
    /// <exception cref="ArgumentException">There is no operation, or one that cannot be part of a sequence.</exception>
    public static Augmentation Sequence(params Augmentation[] operations) => new AugmentationSequence(operations);

    /// <summary>
    /// A few random views of each picture instead of new ones in every epoch: epoch e sees view e mod <paramref name="count"/>. What is
    /// frozen is then computed once for each view and kept (<see cref="MlNetFineTune.FeatureCache"/>), so that augmented head-only training
    /// costs <paramref name="count"/> passes through the backbone and no more. The views are the same with a cache and without.
    /// </summary>
    /// <remarks>
    /// A view's random numbers are counted by seed, view and the picture's bytes: they do not depend on the other pictures, their order or
    /// the threads that read, and a picture that is there twice has the same views twice. <see cref="MixUp"/> and <see cref="CutMix"/>
    /// cannot be fixed: they mix each picture with those that happen to be in its batch.
    /// </remarks>
    /// <param name="augmentation">Makes the views. <see cref="RandomErasing"/> may be among its operations.</param>
    /// <param name="count">Views of each picture. 1 to 1000; more than there are epochs are never seen.</param>
    /// <exception cref="ArgumentException">
    /// The views of <paramref name="augmentation"/> are fixed already, or it mixes pictures of a batch.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The number of views is out of range.</exception>
    public static Augmentation FixedViews(Augmentation augmentation, int count) => new FixedViews(augmentation, count);

    /// <summary>
    /// Draws what training would see: a PNG with a row for each picture, first as scoring sees it, then augmented
    /// <paramref name="samples"/> times. Look at it before you train: where you no longer see what the label says, the network cannot
    /// either. What acts on batches (<see cref="MixUp"/>, <see cref="CutMix"/>, <see cref="RandomErasing"/>) is not shown.
    /// </summary>
    /// <param name="imagePaths">JPEG, PNG, GIF, BMP or WebP files.</param>
    /// <param name="path">Of the PNG file, which is written beside and renamed.</param>
    /// <param name="samples">Augmented pictures in a row. 1 to 100. Default 6.</param>
    /// <param name="size">Side of each picture in pixels. 32 to 1024. Default 160.</param>
    /// <param name="seed">The same seed draws the same sheet. Default 0.</param>
    /// <exception cref="InvalidDataException">A picture cannot be read.</exception>
    public void SaveContactSheet(IEnumerable<string> imagePaths, string path, int samples = 6, int size = 160, long seed = 0) =>
        ContactSheet.Save(this, [.. imagePaths], path, samples, size, seed);

    /// <summary>Name and settings, with the same numbers in every culture.</summary>
    public sealed override string ToString() => Text;

    private protected virtual string Text => InvariantText.Of(this);

    internal bool IsNone => this is CenterCrop;

    /// <summary>How many views there are of a picture; null where every epoch has its own.</summary>
    internal virtual int? Views => null;

    /// <summary>
    /// Whether it chooses the region itself, from the whole picture. What does not crop changes the centre crop that scoring sees.
    /// </summary>
    internal virtual bool Crops => false;

    /// <summary>What it is made of: itself, or the parts of a sequence.</summary>
    internal virtual IEnumerable<Augmentation> Operations => [this];

    internal abstract void Apply(ref ImagePlan plan, ref CountedRandom random);

    // What None is: evaluation's view, whatever the random numbers.
    private sealed record CenterCrop : Augmentation
    {
        internal override int? Views => 1;

        internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
        {
        }

        private protected override string Text => nameof(None);
    }
}
