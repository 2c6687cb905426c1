using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// The complete mutable state of a training, which a checkpoint contains. Random numbers are counter-based, so that the position determines
/// them.
/// </summary>
internal sealed class TrainingSnapshot(
    TrainingRun training, IReadOnlyList<(string Name, Tensor Tensor)> weights, RunState run, BestEpochs best, BadRowLog badRows,
    ProgressMeter meter)
{
    private const string OutputRows = "best/outputs/rows";
    private const string OutputValues = "best/outputs/values";

    public CheckpointState StateOf(
        IReadOnlyDictionary<string, JsonElement> fingerprint, TrainingPhase? phase, FinishedRun? finished) => new()
        {
            Training = fingerprint,
            Threads = get_num_threads(),
            Elapsed = meter.Elapsed,
            Run = run,
            Phase = phase?.State,
            Best = best.Kept,
            BadRows = [.. badRows.Known(training.Data.Training.Source, ofValidationSet: false),
            .. HasOwnValidation ? badRows.Known(training.Data.Validation.Source, ofValidationSet: true) : []],
            Finished = finished,
        };

    /// <summary>
    /// The tensors of the state. Their owners keep them, except gradients and outputs, which belong to the current dispose scope.
    /// </summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> TensorsOf(TrainingPhase? phase) =>
    [
        .. weights.Select(named => ($"model/{named.Name}", named.Tensor)),
        .. best.Tensors(),
        .. best.Outputs is { } outputs ? [(OutputRows, tensor(outputs.Rows, ScalarType.Int64)), (OutputValues, outputs.ToTensor())]
            : ((string, Tensor)[])[],
        .. phase?.Tensors(training.Network) ?? [],
    ];

    /// <summary>Restores everything except the state of a phase.</summary>
    public void Restore(ICheckpointContents file)
    {
        var state = file.State;
        file.ReadInto(weights.Select(named => ($"model/{named.Name}", named.Tensor)));
        run.Restore(state.Run);
        best.Restore(state.Best);
        file.ReadInto(best.Tensors());
        best.Outputs = OutputsIn(file);
        foreach (var bad in state.BadRows)
            badRows.Restore(bad.OfValidationSet ? training.Data.Validation.Source : training.Data.Training.Source, bad);
        meter.Earlier = state.Elapsed;
        if (run.Epochs is [.., var last])
            meter.Validation = last.ValidationLoss is { } loss ? new Evaluation(loss, last.Metrics) : null;
    }

    /// <summary>Restores optimizer, average and accumulated gradients, if the checkpoint was written in this phase.</summary>
    public void Restore(ICheckpointContents file, TrainingPhase phase)
    {
        if (file.State.Phase is not { } state || state.FirstEpoch != phase.FirstEpoch)
            return;
        using var scope = NewDisposeScope();
        phase.Restore(state, training.Network, file.Has);
        file.ReadInto(phase.Tensors(training.Network));
        phase.TakePending();
    }

    private static RowOutputs? OutputsIn(ICheckpointContents file)
    {
        if (file.ShapeOf(OutputValues) is not [var count, var width])
            return null;
        using var scope = NewDisposeScope();
        var (rows, values) = (empty(count, ScalarType.Int64), empty(count, width, ScalarType.Float32));
        file.ReadInto([(OutputRows, rows), (OutputValues, values)]);
        return new RowOutputs([.. rows.data<long>().Select(row => (int)row)], values.data<float>().ToArray());
    }

    private bool HasOwnValidation => training.Data.Validation.Source != training.Data.Training.Source;
}
