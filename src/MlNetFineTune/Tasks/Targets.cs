using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The labels of one batch as tensors.</summary>
/// <param name="Labels">[N], in the format of the objective; [N, classes] for mixed classes.</param>
/// <param name="Weights">[N]: example weights; null if all are 1.</param>
/// <param name="TeacherLogits">[N, classes]: a teacher's logits for the same pixels, without gradients; null without a teacher.</param>
/// <param name="Step">Counts of the whole step of which the batch is a part; null without gradient accumulation or if not needed.</param>
/// <param name="Contexts">The texts that hold the answers of the rows; null for other tasks.</param>
internal readonly record struct Targets(
    Tensor Labels, Tensor? Weights = null, Tensor? TeacherLogits = null, StepCounts? Step = null,
    IReadOnlyList<string>? Contexts = null);

/// <summary>Total weights of a step with gradient accumulation, for losses with parts that are means over different rows.</summary>
/// <param name="Rows">Total weight of all rows, as from <see cref="Objective.CountOf"/>.</param>
/// <param name="Parts">Total weight of the rows of each part of the loss.</param>
internal sealed record StepCounts(double Rows, IReadOnlyList<double> Parts);
