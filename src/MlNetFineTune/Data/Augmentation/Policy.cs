using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>The operations of an automatic policy; each is as likely as any other.</summary>
internal sealed class Policy(params PolicyChoice[] choices)
{
    public IReadOnlyList<PolicyChoice> Choices { get; } = choices;

    /// <summary>Draws an operation, then its magnitude's sign, and does it.</summary>
    /// <param name="plan">Changed.</param>
    /// <param name="random">Advanced.</param>
    /// <param name="bin">The magnitude.</param>
    /// <param name="bins">Steps of magnitude.</param>
    /// <returns>What was drawn.</returns>
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
