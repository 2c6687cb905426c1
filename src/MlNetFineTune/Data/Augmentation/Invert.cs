using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>Makes a negative, with a probability: torchvision's <c>RandomInvert</c>.</summary>
public sealed record Invert : Augmentation
{
    /// <param name="probability">0 to 1.</param>
    public Invert(float probability = 0.5f) => Probability = Checked.Probability(probability);

    /// <summary>Share of the pictures that are inverted.</summary>
    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorTables.Invert);
    }
}
