using Microsoft.Extensions.Logging;

namespace MlNetFineTune.Hosting;

/// <summary>
/// Looks at a model's file at intervals, and puts a new one into service. It looks instead of waiting for notifications of the file system,
/// which do not come from network shares, are lost when many come at once, and end silently. No fault of a file ends it.
/// </summary>
/// <param name="path">Full path of the file.</param>
/// <param name="served">The stamp of the file before its model was read.</param>
/// <param name="switchAsync">Puts the file into service.</param>
/// <param name="state">Receives the faults.</param>
/// <param name="log">Receives the faults, each once.</param>
internal sealed class ModelWatch(
    string path, FileStamp? served, Func<string, CancellationToken, Task> switchAsync, PredictorState state, ILogger log)
{
    // Of no file.
    private static readonly FileStamp s_unlikeAny = new("", -1, default, "");

    private FileStamp? _tried = served;
    private FileStamp? _seen = served;

    /// <param name="interval">Time between two looks.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Ends the watch.</param>
    public async Task RunAsync(TimeSpan interval, TimeProvider time, CancellationToken stop)
    {
        while (true)
        {
            await Task.Delay(interval, time, stop).ConfigureAwait(false);
            await LookAsync(stop).ConfigureAwait(false);
        }
    }

    /// <summary>Looks once, and acts if the file is another one than the last tried, and the same as at the last look.</summary>
    public async Task LookAsync(CancellationToken stop)
    {
        var found = FileStamp.Of(path);
        var isSettled = found == _seen;
        _seen = found;
        if (!isSettled || found == _tried)
            return;
        if (found is null)
            ReportGone();
        else if (!await TrySwitchAsync(stop).ConfigureAwait(false))
            found = s_unlikeAny; // the same file may be readable later, and the return of the one that serves ends the failure
        _tried = found;
    }

    /// <returns>Whether trying again with the same file is useless.</returns>
    private async Task<bool> TrySwitchAsync(CancellationToken stop)
    {
        try
        {
            await switchAsync(path, stop).ConfigureAwait(false);
            state.Failure = null;
            return true;
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            if (state.Failure?.Message != e.Message)
                HostingLog.Keeps(log, e, state.Name, path);
            state.Failure = e;
            return e is not (IOException or UnauthorizedAccessException) || e is EndOfStreamException;
        }
    }

    private void ReportGone()
    {
        HostingLog.IsGone(log, state.Name, path);
        state.Failure = new FileNotFoundException($"There is no file at '{path}' any more.");
    }
}
