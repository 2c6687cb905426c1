using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The labels of one batch as tensors.</summary>
/// <param name="Labels">[N], in the form of the objective; [N, classes] where classes are mixed.</param>
/// <param name="Weights">[N]: how much each row counts; null where all count alike.</param>
/// <param name="TeacherLogits">[N, classes]: what a teacher says of the same pixels, without gradients; null where there is none.</param>
internal readonly record struct Targets(Tensor Labels, Tensor? Weights = null, Tensor? TeacherLogits = null);
