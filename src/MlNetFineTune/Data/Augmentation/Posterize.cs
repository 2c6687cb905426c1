using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>Keeps the upper bits of each channel, with a probability: torchvision's <c>RandomPosterize</c>.</summary>
public sealed record Posterize : Augmentation
{
    /// <param name="bits">How many bits are kept. 0 to 8; 8 changes nothing.</param>
    /// <param name="probability">0 to 1.</param>
    public Posterize(int bits, float probability = 0.5f)
    {
        Bits = Checked.Range(bits, 0, 8);
        Probability = Checked.Probability(probability);
    }

    /// <summary>Bits that are kept.</summary>
    public int Bits { get; }

    /// <summary>Share of the pictures that are posterized.</summary>
    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorTables.Posterize, Bits);
    }
}
