using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

internal sealed record AugmentationSequence : Augmentation
{
    private readonly Augmentation[] _operations;

    public AugmentationSequence(IReadOnlyList<Augmentation> operations)
    {
        if (operations.Count == 0 || operations.Any(operation => operation is null || operation.IsNone))
        {
            throw new ArgumentException(
                "A sequence needs at least one operation, and Augmentation.None cannot be one of them.", nameof(operations));
        }
        if (operations.OfType<FixedViews>().Any())
        {
            throw new ArgumentException(
                "FixedViews cannot be a part of a sequence: put the sequence into it, as in "
                + "Augmentation.FixedViews(Augmentation.Sequence(...), 4).",
                nameof(operations));
        }
        _operations = [.. operations.SelectMany(operation => operation.Operations)];
    }

    internal override bool Crops => Array.Exists(_operations, static operation => operation.Crops);

    internal override IEnumerable<Augmentation> Operations => _operations;

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        foreach (var operation in _operations)
            operation.Apply(ref plan, ref random);
    }

    public bool Equals(AugmentationSequence? other) => other is not null && _operations.SequenceEqual(other._operations);

    public override int GetHashCode() => _operations.Aggregate(0, HashCode.Combine);

    private protected override string Text => string.Join<Augmentation>(" + ", _operations);
}
