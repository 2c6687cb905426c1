using System.Text.Json.Serialization;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Training;

/// <summary>The position of a training, updated by the loop and saved in checkpoints as JSON.</summary>
internal sealed class RunState
{
    /// <summary>The complete epochs, in order.</summary>
    public List<TrainingReport.EpochReport> Epochs { get; init; } = [];

    /// <summary>Trained batches of the whole run, which determine the random numbers of dropout.</summary>
    public int Batches { get; set; }

    /// <summary>Batches read in the current epoch.</summary>
    public int BatchesOfEpoch { get; set; }

    /// <summary>Sum of the losses of the current epoch's rows, or words, so far.</summary>
    public double LossSum { get; set; }

    /// <summary>Weight of the losses of the current epoch so far: rows, or words where labels are those of words.</summary>
    public double LossRows { get; set; }

    /// <summary>Start of the current epoch, by the clock of the whole run.</summary>
    public TimeSpan EpochBegan { get; set; }

    public LossWatch Losses { get; set; } = new();

    /// <summary>Description of a divergence; null if there is none.</summary>
    [JsonIgnore]
    public string? Divergence { get; set; }

    /// <summary>Whether the weights are those after the last counted batch, and no gradients are accumulated.</summary>
    [JsonIgnore]
    public bool IsAtStep { get; private set; } = true;

    /// <summary>Mean loss of the current epoch; NaN before its first step.</summary>
    public double MeanLoss => LossRows > 0 ? LossSum / LossRows : double.NaN;

    /// <summary>Counts a trained batch, and checks whether its loss indicates divergence.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="loss">Mean loss of its rows.</param>
    /// <param name="weight">Its weight in the epoch's mean.</param>
    /// <param name="onDivergence">Defines the detection of spikes.</param>
    public void AddBatch(StepInput batch, double loss, double weight, Divergence onDivergence)
    {
        LossSum += loss * weight;
        LossRows += weight;
        (BatchesOfEpoch, Batches) = (batch.Batch + 1, Batches + 1);
        Divergence = Losses.Judge(loss, onDivergence.SpikeFactor);
    }

    /// <param name="hasPending">Whether gradients of the last counted batch, or of those before it, wait for a step.</param>
    public void MarkStep(bool hasPending) => IsAtStep = !hasPending;

    public void EndEpoch(TrainingReport.EpochReport report)
    {
        Epochs.Add(report);
        BeginEpoch();
    }

    /// <summary>Whether no batch of a phase was trained yet.</summary>
    public bool IsAtStartOf(PlannedPhase phase) => Epochs.Count == phase.FirstEpoch - 1 && BatchesOfEpoch == 0;

    public void BeginEpoch() => (BatchesOfEpoch, LossSum, LossRows) = (0, 0, 0);

    public void Restore(RunState other)
    {
        Epochs.AddRange(other.Epochs);
        (Batches, BatchesOfEpoch, LossSum, LossRows, EpochBegan, Losses) =
            (other.Batches, other.BatchesOfEpoch, other.LossSum, other.LossRows, other.EpochBegan, other.Losses);
    }
}
