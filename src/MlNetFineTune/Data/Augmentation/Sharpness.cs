using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.Sharpness"/>
internal sealed record Sharpness : Augmentation
{
    public Sharpness(float factor, float probability = 0.5f)
    {
        Factor = Checked.Range(factor, 0, 100);
        Probability = Checked.Probability(probability);
    }

    public float Factor { get; }

    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(NeighborFilters.Sharpness, Factor);
    }
}
