using System.Text.Json.Serialization;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Training;

/// <summary>How far a training is. The loop writes, and a checkpoint keeps it as JSON.</summary>
internal sealed class RunState
{
    /// <summary>The complete ones, in order.</summary>
    public List<TrainingReport.EpochReport> Epochs { get; init; } = [];

    /// <summary>Batches that trained, of the whole run: they count the random numbers of dropout.</summary>
    public int Batches { get; set; }

    /// <summary>Batches of the present epoch that have been read.</summary>
    public int BatchesOfEpoch { get; set; }

    /// <summary>Of the present epoch's rows so far.</summary>
    public double LossSum { get; set; }

    /// <summary>Rows of the present epoch so far.</summary>
    public int LossRows { get; set; }

    /// <summary>When the present epoch began, by the clock of the whole run.</summary>
    public TimeSpan EpochBegan { get; set; }

    public LossWatch Losses { get; set; } = new();

    /// <summary>Why the training cannot go on, in words; null while it can.</summary>
    [JsonIgnore]
    public string? Divergence { get; set; }

    /// <summary>Mean of the present epoch; NaN before its first step.</summary>
    public double MeanLoss => LossRows > 0 ? LossSum / LossRows : double.NaN;

    /// <summary>A batch was trained.</summary>
    public void Add(double loss, int rows, int batchesOfEpoch)
    {
        LossSum += loss * rows;
        LossRows += rows;
        (BatchesOfEpoch, Batches) = (batchesOfEpoch, Batches + 1);
    }

    public void EndEpoch(TrainingReport.EpochReport report)
    {
        Epochs.Add(report);
        BeginEpoch();
    }

    public void BeginEpoch() => (BatchesOfEpoch, LossSum, LossRows) = (0, 0, 0);

    public void Restore(RunState other)
    {
        Epochs.AddRange(other.Epochs);
        (Batches, BatchesOfEpoch, LossSum, LossRows, EpochBegan, Losses) =
            (other.Batches, other.BatchesOfEpoch, other.LossSum, other.LossRows, other.EpochBegan, other.Losses);
    }
}
