using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Labels of classes in their two forms: [N] classes, Int64; or [N, classes], the share of each class in a row.</summary>
internal static class ClassLabelTensors
{
    /// <returns>[N, classes], of the type of the logits. Belongs to the present dispose scope.</returns>
    public static Tensor Shares(Tensor labels, Tensor logits) => Shares(labels, logits.shape[1], logits.dtype);

    /// <inheritdoc cref="Shares(Tensor, Tensor)"/>
    public static Tensor Shares(Tensor labels, long classes, ScalarType type) =>
        labels.dtype == ScalarType.Int64 ? nn.functional.one_hot(labels, classes).to_type(type) : labels.to_type(type);

    /// <summary>The weight of each row's class; of mixed rows, the mean of the weights by their shares.</summary>
    /// <param name="labels">In either form.</param>
    /// <param name="classWeights">[classes].</param>
    /// <returns>[N]. Belongs to the present dispose scope.</returns>
    public static Tensor WeightOfEach(Tensor labels, Tensor classWeights) =>
        labels.dtype == ScalarType.Int64 ? classWeights.index_select(0, labels) : labels.mul(classWeights).sum(1);
}
