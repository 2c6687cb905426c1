using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.Solarize"/>
internal sealed record Solarize : Augmentation
{
    public Solarize(float threshold, float probability = 0.5f)
    {
        Threshold = Checked.Range(threshold, 0, 256);
        Probability = Checked.Probability(probability);
    }

    public float Threshold { get; }

    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorTables.Solarize, Threshold);
    }
}
