using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>Takes the colours out, with a probability: torchvision's <c>RandomGrayscale</c> (ITU-R BT.601 luma).</summary>
public sealed record Grayscale : Augmentation
{
    /// <param name="probability">0 to 1.</param>
    public Grayscale(float probability = 0.1f) => Probability = Checked.Probability(probability);

    /// <summary>Share of the pictures that are made grey.</summary>
    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorFilters.Saturation, 0);
    }
}
