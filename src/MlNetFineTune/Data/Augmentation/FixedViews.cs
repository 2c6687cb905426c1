using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>
/// A few random views of each picture instead of new ones in every epoch: epoch e sees view e mod <see cref="Count"/>. What is frozen is then computed once
/// for each view and kept (<see cref="FineTuningOptions.FeatureCache"/>), so that augmented head-only training costs <see cref="Count"/> passes through the
/// backbone and no more. The views are the same with a cache and without.
/// </summary>
/// <remarks>
/// A view's random numbers are counted by seed, view and the picture's bytes: they do not depend on the other pictures, their order or the threads that read, and a picture that is
/// there twice has the same views twice. <see cref="MixUp"/> and <see cref="CutMix"/> cannot be fixed: they mix each picture with those that happen to be in its batch.
/// </remarks>
public sealed record FixedViews : Augmentation
{
    /// <param name="augmentation">Makes the views. <see cref="RandomErasing"/> may be among its operations.</param>
    /// <param name="count">Views of each picture. 1 to 1000; more than there are epochs are never seen.</param>
    public FixedViews(Augmentation augmentation, int count)
    {
        ArgumentNullException.ThrowIfNull(augmentation);
        if (augmentation.Views is not null)
            throw new ArgumentException($"The views of Augmentation.{(augmentation.IsNone ? "None" : nameof(FixedViews))} are fixed already.", nameof(augmentation));
        if (augmentation.Operations.FirstOrDefault(operation => operation is IMixing) is { } mixing)
        {
            throw new ArgumentException(
                $"{mixing.GetType().Name} cannot have fixed views: it mixes each picture with others of its batch, which every epoch puts together anew. Leave it out, or train without FixedViews, where the frozen stages run in every epoch.",
                nameof(augmentation));
        }
        (Augmentation, Count) = (augmentation, Checked.Range(count, 1, 1000));
    }

    /// <summary>Makes the views.</summary>
    public Augmentation Augmentation { get; }

    /// <summary>Views of each picture.</summary>
    public int Count { get; }

    internal override int? Views => Count;

    internal override bool Crops => Augmentation.Crops;

    internal override IEnumerable<Augmentation> Operations => Augmentation.Operations;

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random) => Augmentation.Apply(ref plan, ref random);

    private protected override string Text => FormattableString.Invariant($"FixedViews({Augmentation}, count: {Count})");
}
