using MlNetFineTune.MlNet;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>Parameters that share a learning rate and whether they decay.</summary>
/// <param name="Parameters">Belong to the network.</param>
/// <param name="LearningRateScale">Factor of the scheduled learning rate.</param>
/// <param name="Decays">Whether weight decay acts.</param>
internal sealed record ParameterGroup(IReadOnlyList<Parameter> Parameters, float LearningRateScale, bool Decays);
