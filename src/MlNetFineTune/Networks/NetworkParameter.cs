using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>A parameter, and where it is.</summary>
/// <param name="Name">Name as in weight files.</param>
/// <param name="Parameter">The parameter, owned by the network.</param>
/// <param name="Stage">Index of its stage; the head has the index after the last stage.</param>
/// <param name="Decays">Whether weight decay acts on it.</param>
internal readonly record struct NetworkParameter(string Name, Parameter Parameter, int Stage, bool Decays);
