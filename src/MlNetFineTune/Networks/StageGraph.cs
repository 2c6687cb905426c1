using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>The first stages of a network in inference mode as operators, for a <see cref="StageEngine"/>.</summary>
/// <param name="Graph">The operators.</param>
/// <param name="Output">The result, [N, ...] floats.</param>
/// <param name="Enter">
/// The tensors of a batch for the inputs of the graph, in their order, contiguous and in the caller's dispose scope.
/// </param>
/// <param name="Leave">
/// From the values of <paramref name="Output"/> to what <see cref="FineTunedNetwork.ForwardFirst"/> returns for the batch. The caller
/// disposes the result, and keeps the argument.
/// </param>
internal sealed record StageGraph(
    NetworkGraph Graph, GraphValue Output, Func<ModelInputs, IReadOnlyList<Tensor>> Enter, Func<Tensor, ModelInputs, Tensor> Leave);
