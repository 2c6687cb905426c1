using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.VerticalFlip"/>
internal sealed record VerticalFlip : Augmentation
{
    public VerticalFlip(float probability = 0.5f) => Probability = Checked.Probability(probability);

    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Flipped = !plan.Flipped;
    }
}
