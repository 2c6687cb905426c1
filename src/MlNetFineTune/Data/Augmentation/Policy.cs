using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>The operations of an automatic policy, with equal probabilities.</summary>
internal sealed class Policy(params PolicyChoice[] choices)
{
    public IReadOnlyList<PolicyChoice> Choices { get; } = choices;

    /// <summary>Draws an operation, then the sign of its magnitude, and adds it to the plan.</summary>
    /// <param name="plan">The plan to change.</param>
    /// <param name="random">The random numbers.</param>
    /// <param name="bin">Bin of the magnitude.</param>
    /// <param name="bins">Number of bins.</param>
    /// <returns>The operation and its magnitude.</returns>
    public (PolicyOperation Operation, float Magnitude) Apply(ref ImagePlan plan, ref CountedRandom random, int bin, int bins)
    {
        var choice = choices[random.NextInt(choices.Length)];
        var magnitude = choice.Magnitude(
            bin, bins, choice.Operation == PolicyOperation.TranslateX ? plan.PictureWidth : plan.PictureHeight);
        if (choice.Signed && random.NextInt(2) == 1)
            magnitude = -magnitude;
        PolicyChoice.Apply(ref plan, choice.Operation, magnitude);
        return (choice.Operation, magnitude);
    }
}
