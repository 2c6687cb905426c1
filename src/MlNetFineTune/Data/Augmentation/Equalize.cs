using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.Equalize"/>
internal sealed record Equalize : Augmentation
{
    public Equalize(float probability = 0.5f) => Probability = Checked.Probability(probability);

    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorTables.Equalize);
    }
}
