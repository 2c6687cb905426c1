using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The labels of one batch as tensors.</summary>
/// <param name="Labels">[N], in the format of the objective; [N, classes] for mixed classes.</param>
/// <param name="Weights">[N]: example weights; null if all are 1.</param>
/// <param name="TeacherLogits">[N, classes]: a teacher's logits for the same pixels, without gradients; null without a teacher.</param>
internal readonly record struct Targets(Tensor Labels, Tensor? Weights = null, Tensor? TeacherLogits = null);
