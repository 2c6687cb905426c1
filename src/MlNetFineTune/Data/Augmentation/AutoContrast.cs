using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.AutoContrast"/>
internal sealed record AutoContrast : Augmentation
{
    public AutoContrast(float probability = 0.5f) => Probability = Checked.Probability(probability);

    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorTables.AutoContrast);
    }
}
