using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.Grayscale"/>
internal sealed record Grayscale : Augmentation
{
    public Grayscale(float probability = 0.1f) => Probability = Checked.Probability(probability);

    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorFilters.Saturation, 0);
    }
}
