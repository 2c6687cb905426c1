using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.HorizontalFlip"/>
internal sealed record HorizontalFlip : Augmentation
{
    public HorizontalFlip(float probability = 0.5f)
    {
        Probability = Checked.Probability(probability);
    }

    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Mirrored = !plan.Mirrored;
    }
}
