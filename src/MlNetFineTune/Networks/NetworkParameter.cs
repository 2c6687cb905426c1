using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>A parameter, and where it is.</summary>
/// <param name="Name">As weight files name it.</param>
/// <param name="Parameter">Belongs to the network.</param>
/// <param name="Stage">Its stage; the head is one more than the last.</param>
/// <param name="Decays">Whether weight decay acts on it.</param>
internal readonly record struct NetworkParameter(string Name, Parameter Parameter, int Stage, bool Decays);
