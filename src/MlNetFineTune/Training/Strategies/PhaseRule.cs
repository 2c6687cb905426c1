using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>What trains in some epochs, as a strategy says it of any network.</summary>
/// <param name="Epochs">At least 1.</param>
/// <param name="ScaleOf">A parameter's factor of the learning rate; 0 where it is frozen.</param>
internal sealed record PhaseRule(int Epochs, Func<NetworkParameter, float> ScaleOf)
{
    /// <summary>Whether the rows are changed at random, if the options say so; else what is frozen need be computed but once.</summary>
    public bool Augments { get; init; } = true;

    /// <summary>Whether BatchNorm stays with the pretrained statistics, where there are any and the
    /// options do not say what it does.</summary>
    public bool KeepsStatistics { get; init; }

    /// <summary>The last stages train and the head; each stage learns slower than the one above.</summary>
    public static PhaseRule Of(int stages, int trained, float layerDecay, int epochs) =>
        new(epochs, parameter => parameter.Stage < stages - trained ? 0 : MathF.Pow(layerDecay, stages - parameter.Stage));
}
