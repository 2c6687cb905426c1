using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>Smooths or sharpens by a factor, with a probability: torchvision's <c>RandomAdjustSharpness</c>.</summary>
public sealed record Sharpness : Augmentation
{
    /// <param name="factor">0 smooths, 1 changes nothing, 2 sharpens twice as much. 0 to 100.</param>
    /// <param name="probability">0 to 1.</param>
    public Sharpness(float factor, float probability = 0.5f)
    {
        Factor = Checked.Range(factor, 0, 100);
        Probability = Checked.Probability(probability);
    }

    /// <summary>0 smooths, 1 changes nothing, more sharpens.</summary>
    public float Factor { get; }

    /// <summary>Share of the pictures that are changed.</summary>
    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(NeighborFilters.Sharpness, Factor);
    }
}
