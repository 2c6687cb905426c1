using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The explainable numbers of a row's outputs: for each class or label a number that increases with its probability, before the softmax or
/// sigmoid, whose gradients vanish for confident predictions. The largest is that of the predicted class.
/// </summary>
/// <param name="Names">Names of the classes or labels; empty for regression.</param>
/// <param name="Of">From the network's outputs [N, outputs] to [N, names], or [N, 1] without names. The caller disposes the result.</param>
internal sealed record Evidence(IReadOnlyList<string> Names, Func<Tensor, Tensor> Of);
