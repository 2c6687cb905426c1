using MlNetFineTune.Data;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>Adds the teacher's logits to every batch: computed from its pixels, or cached if pictures repeat from epoch to epoch.</summary>
/// <param name="teacher">The teacher. The caller keeps it.</param>
/// <param name="layers">The teacher as frozen network. Disposed with this.</param>
/// <param name="logits">Caches of its logits. Disposed with this.</param>
internal sealed class TeacherTargets(Teacher teacher, FrozenTeacher layers, FeatureCaches logits) : IDisposable
{
    /// <param name="student">Source of the inputs of the student's trainable part.</param>
    /// <param name="subset">The rows.</param>
    /// <param name="augmentation">Augmentation of the rows.</param>
    /// <param name="epochs">Epochs in which the rows will be read.</param>
    /// <param name="sheet">Receives the first pictures; null for none.</param>
    /// <param name="resizing">Makes the student's pictures smaller; null for none.</param>
    public StepInputs InputsFor(
        FeatureCaches student, RowSubset subset, Augmentation augmentation, IReadOnlyCollection<int> epochs, BatchSheet? sheet,
        ProgressiveResizing? resizing) =>
        logits.TryKeep(subset, augmentation, epochs) is { } kept
            ? new DistillationInputs(student.InputsFor(subset, augmentation, epochs, sheet: sheet, resizing: resizing), kept)
            : student.InputsFor(subset, augmentation, epochs, teacher, sheet, resizing);

    public void Dispose()
    {
        logits.Dispose();
        layers.Dispose();
    }
}

/// <summary>Inputs with cached logits.</summary>
internal sealed class DistillationInputs(StepInputs inputs, CachedFeatures logits) : StepInputs
{
    public override bool ReadsRows => inputs.ReadsRows;

    public override IEnumerable<StepInput> Read(
        IReadOnlyList<int[]> batches, int epoch, int first = 0, IReadOnlyList<RowPair[]>? pairs = null)
    {
        foreach (var input in inputs.Read(batches, epoch, first, pairs))
            yield return input with { TeacherLogits = input.Rows.Length == 0 ? null : logits.Of(input.Rows, epoch) };
    }

    public override ModelInputs Placeholder() => inputs.Placeholder();
}
