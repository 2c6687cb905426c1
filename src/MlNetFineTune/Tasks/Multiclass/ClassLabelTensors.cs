using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Class labels in two formats: [N], Int64 class indices; or [N, classes], the weight of each class in a row.</summary>
internal static class ClassLabelTensors
{
    /// <returns>[N, classes], of the type of the logits. Belongs to the current dispose scope.</returns>
    public static Tensor Shares(Tensor labels, Tensor logits) => Shares(labels, logits.shape[1], logits.dtype);

    /// <inheritdoc cref="Shares(Tensor, Tensor)"/>
    public static Tensor Shares(Tensor labels, long classes, ScalarType type) =>
        labels.dtype == ScalarType.Int64 ? nn.functional.one_hot(labels, classes).to_type(type) : labels.to_type(type);

    /// <summary>The class weight of each row; for mixed rows, the mean of the class weights weighted by the labels.</summary>
    /// <param name="labels">Labels in either format.</param>
    /// <param name="classWeights">[classes].</param>
    /// <returns>[N]. Belongs to the current dispose scope.</returns>
    public static Tensor WeightOfEach(Tensor labels, Tensor classWeights) =>
        labels.dtype == ScalarType.Int64 ? classWeights.index_select(0, labels) : labels.mul(classWeights).sum(1);
}
