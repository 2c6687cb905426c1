using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML.Runtime;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// The folder of checkpoints of a training: finds the checkpoint to resume from, and writes new ones when due. Locks the folder until it is
/// disposed. With several processes only process 0 uses the folder; the others receive the checkpoint from which the training is resumed.
/// </summary>
internal sealed class RunCheckpoints : IDisposable
{
    private const string Prefix = "checkpoint-";
    private const string Extension = ".safetensors";

    private readonly TrainingCheckpoint.FolderCheckpoint _options;
    private readonly IReadOnlyDictionary<string, JsonElement> _fingerprint;
    private readonly TrainingSnapshot _contents;
    private readonly IChannel _channel;
    private readonly ProcessGroup _processes;
    private readonly FileStream? _lock;
    private readonly Stopwatch _sinceLast = Stopwatch.StartNew();
    private int _number;
    private int _stepsSinceLast;
    private ICheckpointContents? _resumed;

    private RunCheckpoints(
        TrainingCheckpoint.FolderCheckpoint options, IReadOnlyDictionary<string, JsonElement> fingerprint, TrainingSnapshot contents,
        IChannel channel, ProcessGroup processes)
    {
        (_options, _fingerprint, _contents, _channel, _processes) = (options, fingerprint, contents, channel, processes);
        _lock = processes.IsFirst ? Lock(options.Folder) : null;
    }

    /// <summary>The position from which the training was resumed; null if it was not resumed.</summary>
    public (int Epochs, int Batches)? Resumed { get; private set; }

    /// <returns>Null if no checkpoints are requested. The caller disposes it.</returns>
    public static RunCheckpoints? Open(
        TrainingCheckpoint options, Func<IReadOnlyDictionary<string, JsonElement>> fingerprint, TrainingSnapshot contents,
        IChannel channel, ProcessGroup processes) => options is TrainingCheckpoint.FolderCheckpoint folder
            ? new RunCheckpoints(folder, fingerprint(), contents, channel, processes)
            : null;

    /// <summary>Restores the newest valid checkpoint, except the state of a phase.</summary>
    /// <returns>The end of the training, if it was complete.</returns>
    /// <exception cref="InvalidOperationException">The folder belongs to another training.</exception>
    public FinishedRun? Resume()
    {
        var found = _processes.IsFirst ? Newest() : null;
        _resumed = _processes.IsSeveral ? SharedCheckpoint.Of(found, _processes) : found;
        if (_resumed is not { } file)
            return null;
        _contents.Restore(file);
        var state = file.State;
        Resumed = (state.Run.Epochs.Count, state.Run.BatchesOfEpoch);
        if (state.Finished is { } finished)
        {
            _channel.Info($"The training is finished already: the model comes from the checkpoint in '{_options.Folder}'. "
                + "Delete the folder to train anew.");
            return finished;
        }
        _channel.Info($"Goes on after {state.Run.Epochs.Count} epochs and {state.Run.BatchesOfEpoch} batches, "
            + $"from the checkpoint in '{_options.Folder}'.");
        if (state.Threads != get_num_threads())
            _channel.Warning($"The checkpoint was written with {state.Threads} torch threads and now there are {get_num_threads()}: "
                + "the training goes on, but not to the same bits.");
        return null;
    }

    /// <summary>Restores the state of a phase, if the checkpoint has it.</summary>
    public void Resume(TrainingPhase phase)
    {
        if (_resumed is not null)
            _contents.Restore(_resumed, phase);
        Close();
    }

    public void AfterStep(TrainingPhase phase)
    {
        if (!_processes.IsFirst)
            return;
        _stepsSinceLast++;
        if (_stepsSinceLast >= _options.Steps || _sinceLast.Elapsed >= _options.Interval)
            Save(phase);
    }

    /// <param name="phase">The current phase.</param>
    /// <param name="epochs">Number of complete epochs.</param>
    public void AfterEpoch(TrainingPhase phase, int epochs)
    {
        if (epochs % _options.Epochs == 0)
            Save(phase);
    }

    /// <summary>
    /// Called when the training is cancelled, which must not fail because of a full disk or of a file that cannot be deleted.
    /// </summary>
    public void SaveIfPossible(TrainingPhase phase)
    {
        try
        {
            Save(phase);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _channel.Warning(e.Message);
        }
    }

    /// <summary>
    /// To be called in all processes where gradients are accumulated, of which each has a part; otherwise process 0 suffices.
    /// </summary>
    public void Save(TrainingPhase phase)
    {
        phase.CollectPending();
        if (!_processes.IsFirst)
            return;
        Write(phase, finished: null);
        Delete(Files().Skip(_options.Keep));
    }

    /// <summary>Called when the weights are those of the model. One file remains.</summary>
    public void Finish(FinishedRun finished)
    {
        if (!_processes.IsFirst)
            return;
        Write(phase: null, finished);
        Delete(Files().Skip(1));
    }

    public void Dispose()
    {
        Close();
        _lock?.Dispose();
    }

    private void Close()
    {
        _resumed?.Dispose();
        _resumed = null;
    }

    private void Write(TrainingPhase? phase, FinishedRun? finished)
    {
        Close(); // on some systems open files cannot be deleted
        using var scope = NewDisposeScope();
        var path = Path.Combine(_options.Folder, FormattableString.Invariant($"{Prefix}{++_number:000000}{Extension}"));
        try
        {
            CheckpointFile.Write(path, _contents.StateOf(_fingerprint, phase, finished), _contents.TensorsOf(phase));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The checkpoint '{path}' could not be written: "
                + $"{e.Message} Make room, or choose another folder in Checkpoint.", e);
        }
        _stepsSinceLast = 0;
        _sinceLast.Restart();
    }

    private CheckpointFile? Newest()
    {
        var files = Files();
        _number = files.Count > 0 ? NumberOf(files[0]) : 0;
        return NewestSound(files);
    }

    private CheckpointFile? NewestSound(IReadOnlyList<string> files)
    {
        foreach (var path in files)
        {
            CheckpointFile file;
            try
            {
                file = CheckpointFile.Open(path);
            }
            catch (NotSupportedException e)
            {
                throw new InvalidOperationException(
                    $"The checkpoint '{path}' cannot be used: {e.Message} Delete it to train anew, or choose another folder.", e);
            }
            catch (Exception e) when (e is InvalidDataException or IOException or FormatException)
            {
                _channel.Warning($"The checkpoint '{path}' is damaged and left aside: "
                    + $"{e.Message} {(path == files[^1] ? "There is no older one: the training begins anew." : "The one before serves.")}");
                continue;
            }
            if (FingerprintDifference.Of(file.State.Training, _fingerprint) is not { } difference)
                return file;
            file.Dispose();
            throw new InvalidOperationException(
                $"The checkpoints in '{_options.Folder}' are those of another training: "
                    + $"{SafeText.Of(difference, 4 * SafeText.SentenceLength)}. Set it back to go on with that one; "
                    + "choose another folder, or delete this one, to train anew.");
        }
        return null;
    }

    // The newest first.
    private List<string> Files() =>
        [.. Directory.EnumerateFiles(_options.Folder, $"{Prefix}*{Extension}").Where(path => NumberOf(path) > 0)
            .OrderByDescending(NumberOf)];

    private static int NumberOf(string path) =>
        int.TryParse(Path.GetFileNameWithoutExtension(path).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture,
            out var number) ? number : 0;

    // Including incomplete files of killed processes: no other process uses the folder.
    private void Delete(IEnumerable<string> files)
    {
        foreach (var path in files.Concat(Directory.EnumerateFiles(_options.Folder, $"{Prefix}*{Extension}.*.tmp")))
            File.Delete(path);
    }

    private static FileStream Lock(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            // the lock ends with the process, even if it is killed
            return new FileStream(Path.Combine(folder, "in-use.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None,
                bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The folder of checkpoints '{folder}' cannot be used: {e.Message} Another training may be using it: "
                + "each needs a folder of its own.", e);
        }
    }
}
