using MlNetFineTune.Data;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>Mirrors the picture left to right with a probability. Not for text, digits, or anything else whose handedness matters.</summary>
public sealed record HorizontalFlip : Augmentation
{
    /// <param name="probability">0 to 1.</param>
    public HorizontalFlip(float probability = 0.5f)
    {
        Probability = Checked.Probability(probability);
    }

    /// <summary>Share of the pictures that are mirrored.</summary>
    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Mirrored = !plan.Mirrored;
    }
}
