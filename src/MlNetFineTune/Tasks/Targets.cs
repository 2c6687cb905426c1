using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>What a batch should give.</summary>
/// <param name="Labels">[N], as the objective wants them; [N, classes] where classes are mixed.</param>
/// <param name="Weights">[N]: how much each row counts; null where all count alike.</param>
/// <param name="TeacherLogits">[N, classes]: what a teacher says of the same pixels, without gradients; null where there is none.</param>
internal readonly record struct Targets(Tensor Labels, Tensor? Weights = null, Tensor? TeacherLogits = null);
