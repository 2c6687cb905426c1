using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The labels of one batch as tensors.</summary>
/// <param name="Labels">[N], in the form of the objective; [N, classes] where classes are mixed.</param>
/// <param name="Weights">[N]: how much each row counts; null where all count alike.</param>
/// <param name="TeacherLogits">[N, classes]: what a teacher says of the same pixels, without gradients; null where there is none.</param>
/// <param name="Step">What the whole step counts that the batch is a part of; null where it is all of it, or where it does not
/// matter.</param>
internal readonly record struct Targets(
    Tensor Labels, Tensor? Weights = null, Tensor? TeacherLogits = null, StepCounts? Step = null);

/// <summary>What the rows of a step count that is made of several batches, where the parts of the loss count different rows.</summary>
/// <param name="Rows">All of them together, as <see cref="Objective.CountOf"/>.</param>
/// <param name="Parts">Those of each part of the loss.</param>
internal sealed record StepCounts(double Rows, IReadOnlyList<double> Parts);
