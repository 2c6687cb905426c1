using MlNetFineTune.MlNet;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>Parameters with the same learning rate and weight decay.</summary>
/// <param name="Parameters">The parameters, owned by the network.</param>
/// <param name="LearningRateScale">Factor of the scheduled learning rate.</param>
/// <param name="Decays">Whether weight decay is applied.</param>
internal sealed record ParameterGroup(IReadOnlyList<Parameter> Parameters, float LearningRateScale, bool Decays);
