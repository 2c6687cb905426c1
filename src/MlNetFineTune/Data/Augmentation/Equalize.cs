using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>Makes the values of each channel about equally frequent, with a probability: torchvision's <c>RandomEqualize</c>.</summary>
public sealed record Equalize : Augmentation
{
    /// <param name="probability">0 to 1.</param>
    public Equalize(float probability = 0.5f) => Probability = Checked.Probability(probability);

    /// <summary>Share of the pictures that are equalized.</summary>
    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorTables.Equalize);
    }
}
