using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.FixedViews"/>
internal sealed record FixedViews : Augmentation
{
    public FixedViews(Augmentation augmentation, int count)
    {
        ArgumentNullException.ThrowIfNull(augmentation);
        if (augmentation.Views is not null)
        {
            throw new ArgumentException(
                $"The views of Augmentation.{(augmentation.IsNone ? "None" : nameof(FixedViews))} are fixed already.",
                nameof(augmentation));
        }
        if (augmentation.Operations.FirstOrDefault(operation => operation is IMixing) is { } mixing)
        {
            throw new ArgumentException(
                $"{mixing.GetType().Name} cannot have fixed views: it mixes each picture with others of its batch, which every epoch puts "
                + "together anew. Leave it out, or train without FixedViews, where the frozen stages run in every epoch.",
                nameof(augmentation));
        }
        (Augmentation, Count) = (augmentation, Checked.Range(count, 1, 1000));
    }

    public Augmentation Augmentation { get; }

    public int Count { get; }

    internal override int? Views => Count;

    internal override bool Crops => Augmentation.Crops;

    internal override IEnumerable<Augmentation> Operations => Augmentation.Operations;

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random) => Augmentation.Apply(ref plan, ref random);

    private protected override string Text => FormattableString.Invariant($"FixedViews({Augmentation}, count: {Count})");
}
