using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>Inverts what is bright, with a probability: torchvision's <c>RandomSolarize</c>.</summary>
public sealed record Solarize : Augmentation
{
    /// <param name="threshold">Values from here on are inverted. 0 to 256; 256 changes nothing.</param>
    /// <param name="probability">0 to 1.</param>
    public Solarize(float threshold, float probability = 0.5f)
    {
        Threshold = Checked.Range(threshold, 0, 256);
        Probability = Checked.Probability(probability);
    }

    /// <summary>Values from here on, of 0 to 255, are inverted.</summary>
    public float Threshold { get; }

    /// <summary>Share of the pictures that are solarized.</summary>
    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorTables.Solarize, Threshold);
    }
}
