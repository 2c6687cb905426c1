using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.Posterize"/>
internal sealed record Posterize : Augmentation
{
    public Posterize(int bits, float probability = 0.5f)
    {
        Bits = Checked.Range(bits, 0, 8);
        Probability = Checked.Probability(probability);
    }

    public int Bits { get; }

    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorTables.Posterize, Bits);
    }
}
