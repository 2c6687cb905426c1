using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>The whole picture stretched to the output's square, without a crop: for measurements rather than training.</summary>
internal sealed record WholeView : Augmentation
{
    public static WholeView Instance { get; } = new();

    internal override int? Views => 1;

    internal override bool Crops => true;

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random) => plan.Stretch();
}
