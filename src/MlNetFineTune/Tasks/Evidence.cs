using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// What of a row's outputs can be explained: for each class or label a number that rises as the network leans to it, before the softmax or
/// sigmoid, whose gradients vanish where the network is certain. The greatest is what is predicted.
/// </summary>
/// <param name="Names">Of the classes or labels; none where a number is predicted.</param>
/// <param name="Of">From the network's outputs [N, outputs] to [N, names], or [N, 1] without names. The caller disposes the result.</param>
internal sealed record Evidence(IReadOnlyList<string> Names, Func<Tensor, Tensor> Of);
