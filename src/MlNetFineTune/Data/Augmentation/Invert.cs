using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.Invert"/>
internal sealed record Invert : Augmentation
{
    public Invert(float probability = 0.5f) => Probability = Checked.Probability(probability);

    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorTables.Invert);
    }
}
