using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>Stretches each channel from its darkest and brightest value to 0 and 255, with a probability: torchvision's <c>RandomAutocontrast</c>.</summary>
public sealed record AutoContrast : Augmentation
{
    /// <param name="probability">0 to 1.</param>
    public AutoContrast(float probability = 0.5f) => Probability = Checked.Probability(probability);

    /// <summary>Share of the pictures that are stretched.</summary>
    public float Probability { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
        if (random.NextDouble() < Probability)
            plan.Add(ColorTables.AutoContrast);
    }
}
