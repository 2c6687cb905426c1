using MlNetFineTune.Augmentations;

namespace MlNetFineTune;

/// <summary>Random changes to training pictures, new in every epoch, that leave the label right. Pictures are never augmented in validation and scoring.</summary>
public abstract record Augmentation
{
    private protected Augmentation()
    {
    }

    /// <summary>Every epoch sees the same centre crop that scoring sees. What is frozen is then computed once, not once an epoch.</summary>
    public static Augmentation None { get; } = new CenterCrop();

    /// <summary><see cref="RandomResizedCrop"/> as in its paper, then <see cref="HorizontalFlip"/>: the usual choice for fine-tuning.</summary>
    public static Augmentation Light { get; } = Sequence(new RandomResizedCrop(), new HorizontalFlip());

    /// <summary>
    /// For everyday fine-tuning: crops of at least a quarter of the picture, so that its subject stays in view, <see cref="HorizontalFlip"/>, and mild changes
    /// of brightness, contrast and saturation. Costs little more than <see cref="Light"/>.
    /// </summary>
    public static Augmentation Standard { get; } = Sequence(new RandomResizedCrop(minimumArea: 0.25f), new HorizontalFlip(), new ColorJitter(0.3f, 0.3f, 0.3f));

    /// <summary>For small data sets and long training: as <see cref="Standard"/>, with two operations of <see cref="RandAugment"/> instead of the jitter.</summary>
    public static Augmentation Strong { get; } = Sequence(new RandomResizedCrop(minimumArea: 0.25f), new HorizontalFlip(), new RandAugment());

    /// <summary>One operation after another. However they are ordered, geometry is drawn first, from the photo itself and in one pass; what acts on pixels follows, in order.</summary>
    public static Augmentation Sequence(params IReadOnlyList<Augmentation> operations) => new AugmentationSequence(operations);

    internal bool IsNone => this is CenterCrop;

    /// <summary>Whether it chooses the region itself, from the whole picture. What does not crop changes the centre crop that scoring sees.</summary>
    internal virtual bool Crops => false;

    /// <summary>What it is made of: itself, or the parts of a sequence.</summary>
    internal virtual IEnumerable<Augmentation> Operations => [this];

    internal abstract void Apply(ref ImagePlan plan, ref CountedRandom random);

    // What None is: evaluation's view, whatever the random numbers.
    private sealed record CenterCrop : Augmentation
    {
        internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
        {
        }

        public override string ToString() => nameof(None);
    }
}
