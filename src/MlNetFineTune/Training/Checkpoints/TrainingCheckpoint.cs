namespace MlNetFineTune;

/// <summary>
/// Whether a training writes checkpoints, from which it can be resumed after a kill, a cancellation or a stop: the same <c>Fit</c> in
/// another process ends with the same weights, bit-identical on one CPU with the same number of libtorch threads. A file contains weights,
/// best weights, optimizer state, averages, position and reports, with a checksum; it is written atomically. A folder belongs to one
/// training: another training (other options, data, weights or seed) is an error that names the differences. Cancellation and a stop write
/// a checkpoint as well. A completed training leaves one file, from which the same <c>Fit</c> returns the model immediately; delete the
/// folder when the model is saved.
/// </summary>
public abstract record TrainingCheckpoint
{
    private protected TrainingCheckpoint()
    {
    }

    /// <summary>No checkpoints. The default.</summary>
    public static TrainingCheckpoint None { get; } = new NoCheckpoint();

    /// <summary>Writes a checkpoint after every <paramref name="epochs"/> epochs.</summary>
    /// <param name="folder">A folder for this training only; created if it does not exist.</param>
    /// <param name="epochs">Number of epochs between checkpoints. At least 1. Default 1.</param>
    /// <param name="keep">Number of checkpoints that are kept; if the newest is damaged, the
    /// one before is used. At least 1. Default 2.</param>
    /// <exception cref="ArgumentException"><paramref name="folder"/> is empty, or a number is out of range.</exception>
    public static TrainingCheckpoint EveryEpochs(string folder, int epochs = 1, int keep = 2) =>
        new FolderCheckpoint(folder, keep) { Epochs = Positive(epochs, nameof(epochs)) };

    /// <summary>Writes a checkpoint after every <paramref name="steps"/> steps of the optimizer, and after every epoch.</summary>
    /// <param name="folder">A folder for this training only; created if it does not exist.</param>
    /// <param name="steps">Number of steps between checkpoints. At least 1.</param>
    /// <param name="keep">Number of checkpoints that are kept; if the newest is damaged, the
    /// one before is used. At least 1. Default 2.</param>
    /// <exception cref="ArgumentException"><paramref name="folder"/> is empty, or a number is out of range.</exception>
    public static TrainingCheckpoint EverySteps(string folder, int steps, int keep = 2) =>
        new FolderCheckpoint(folder, keep) { Epochs = 1, Steps = Positive(steps, nameof(steps)) };

    /// <summary>Writes a checkpoint after the first step that ends <paramref name="interval"/> or more after the last checkpoint.</summary>
    /// <param name="folder">A folder for this training only; created if it does not exist.</param>
    /// <param name="interval">Time between checkpoints. Above zero.</param>
    /// <param name="keep">Number of checkpoints that are kept; if the newest is damaged, the
    /// one before is used. At least 1. Default 2.</param>
    /// <exception cref="ArgumentException"><paramref name="folder"/> is empty, or a number is out of range.</exception>
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

        public override string ToString()
        {
            var start = Steps is { } steps ? FormattableString.Invariant($"EverySteps({Folder}, {steps}")
                : Epochs is { } epochs ? FormattableString.Invariant($"EveryEpochs({Folder}, {epochs}")
                : $"EveryInterval({Folder}, {Interval}";
            return FormattableString.Invariant($"{start}, keep: {Keep})");
        }
    }
}
