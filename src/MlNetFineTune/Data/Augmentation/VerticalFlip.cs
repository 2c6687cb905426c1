using MlNetFineTune.Data;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>Turns the picture upside down, mirrored, with a probability. For pictures without an up, such as those of a microscope or from above.</summary>
public sealed record VerticalFlip : Augmentation
{
    /// <param name="probability">0 to 1.</param>
    public VerticalFlip(float probability = 0.5f) => Probability = Checked.Probability(probability);

    /// <summary>Share of the pictures that are flipped.</summary>
    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Flipped = !plan.Flipped;
    }
}
