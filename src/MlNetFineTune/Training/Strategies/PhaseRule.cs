using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>A phase of a strategy, independent of the network.</summary>
/// <param name="Epochs">Number of epochs, at least 1.</param>
/// <param name="ScaleOf">Factor of the learning rate of a parameter; 0 for a frozen one.</param>
internal sealed record PhaseRule(int Epochs, Func<NetworkParameter, float> ScaleOf)
{
    /// <summary>Whether the augmentation of the options applies; without it, frozen features are computed once.</summary>
    public bool Augments { get; init; } = true;

    /// <summary>Whether the features of pairs of rows are trained, and not the outputs of the task.</summary>
    public bool TrainsPairs { get; init; }

    /// <summary>Whether BatchNorm keeps pretrained statistics, if there are any and the options do not set the mode.</summary>
    public bool KeepsStatistics { get; init; }

    /// <summary>Trains the head and the last stages, each with a lower learning rate than the one above.</summary>
    public static PhaseRule Of(int stages, int trained, float layerDecay, int epochs) =>
        new(epochs, parameter => parameter.Stage < stages - trained ? 0 : MathF.Pow(layerDecay, stages - parameter.Stage));
}
