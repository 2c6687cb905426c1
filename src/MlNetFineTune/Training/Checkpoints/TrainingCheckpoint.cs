namespace MlNetFineTune;

/// <summary>
/// Whether a training writes down where it is, so that one that was killed, cancelled or stopped goes on from there: the same <c>Fit</c> in another process ends with the same weights,
/// bit for bit on one CPU with the same number of torch threads. A file holds weights, best weights, optimizer, averages, position and reports, with a checksum; it is written beside and
/// renamed. A folder belongs to one training: another one (other options, data, weights or seed) is refused, with what differs. Cancelling and stopping write a checkpoint as well.
/// A finished training leaves one file, from which the same <c>Fit</c> takes the model at once; delete the folder when the model is saved.
/// </summary>
public abstract record TrainingCheckpoint
{
    private protected TrainingCheckpoint()
    {
    }

    /// <summary>Nothing is written.</summary>
    public static TrainingCheckpoint None { get; } = new NoCheckpoint();

    /// <summary>After every so many epochs.</summary>
    /// <param name="folder">Of this training alone; made if it is not there.</param>
    /// <param name="epochs">At least 1.</param>
    /// <param name="keep">Files that stay; if the newest is damaged, the one before serves. At least 1.</param>
    public static TrainingCheckpoint EveryEpochs(string folder, int epochs = 1, int keep = 2) =>
        new FolderCheckpoint(folder, keep) { Epochs = Positive(epochs, nameof(epochs)) };

    /// <summary>After every so many steps of the optimizer, and after every epoch.</summary>
    /// <param name="folder">Of this training alone; made if it is not there.</param>
    /// <param name="steps">At least 1.</param>
    /// <param name="keep">Files that stay; if the newest is damaged, the one before serves. At least 1.</param>
    public static TrainingCheckpoint EverySteps(string folder, int steps, int keep = 2) =>
        new FolderCheckpoint(folder, keep) { Epochs = 1, Steps = Positive(steps, nameof(steps)) };

    /// <summary>After the first step that comes so long after the last checkpoint.</summary>
    /// <param name="folder">Of this training alone; made if it is not there.</param>
    /// <param name="interval">Above zero.</param>
    /// <param name="keep">Files that stay; if the newest is damaged, the one before serves. At least 1.</param>
    public static TrainingCheckpoint EveryInterval(string folder, TimeSpan interval, int keep = 2) => new FolderCheckpoint(folder, keep)
    {
        Interval = interval > TimeSpan.Zero ? interval : throw new ArgumentOutOfRangeException(
            nameof(interval), interval, "The time between checkpoints must be above zero."),
    };

    private static int Positive(int value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
        return value;
    }

    private sealed record NoCheckpoint : TrainingCheckpoint
    {
        public override string ToString() => nameof(None);
    }

    internal sealed record FolderCheckpoint : TrainingCheckpoint
    {
        public FolderCheckpoint(string folder, int keep)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(folder);
            (Folder, Keep) = (folder, Positive(keep, nameof(keep)));
        }

        public string Folder { get; }

        public int Keep { get; }

        public int? Epochs { get; init; }

        public int? Steps { get; init; }

        public TimeSpan? Interval { get; init; }

        public override string ToString() => FormattableString.Invariant(
            $"{(Steps is { } steps ? $"EverySteps({Folder}, {steps}" : Epochs is { } epochs ? $"EveryEpochs({Folder}, {epochs}" : $"EveryInterval({Folder}, {Interval}")}, keep: {Keep})");
    }
}
