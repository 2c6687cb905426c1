using System.Threading.Channels;

namespace MlNetFineTune.Reporting;

/// <summary>
/// Sends the records of a run in the background. As long as the training goes on, a server that does not answer is asked again; values wait
/// meanwhile in a queue, and are dropped where it is full; at the end it is asked once more. A refusal ends the sending.
/// </summary>
internal sealed class MlflowSender : IDisposable
{
    /// <summary>Values that wait at most: some hours of a server's absence.</summary>
    public const int QueueCapacity = 20_000;

    private static readonly TimeSpan s_betweenBatches = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(30);
    private static readonly Dictionary<string, string> s_none = [];

    private readonly Channel<MlflowMetric> _queue = Channel.CreateBounded<MlflowMetric>(
        new BoundedChannelOptions(QueueCapacity) { SingleReader = true, SingleWriter = true });
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource _end = new();
    private readonly MlflowClient _client;
    private readonly TimeProvider _time;
    private readonly Task _sending;
    private volatile MlflowFailure? _failure;
    private volatile bool _isFailing;
    private volatile MlflowEnding? _ending;
    private volatile string? _runId;
    private volatile string? _artifactUri;
    private int _dropped;

    public MlflowSender(MlflowTracking tracking, MlflowBeginning beginning, TimeProvider time)
    {
        (_client, _time) = (new MlflowClient(tracking), time);
        _sending = Task.Run(() => SendAsync(beginning));
    }

    /// <summary>The newest failure; null if there was none.</summary>
    public MlflowFailure? Failure => _failure;

    /// <summary>Id of the run; null before the server has given one.</summary>
    public string? RunId => _runId;

    /// <summary>Whether the run's artifacts are in a store that the server does not give access to.</summary>
    public bool KeepsArtifactsElsewhere => _artifactUri is { } uri && !_client.TakesArtifacts(uri);

    /// <summary>Values that were dropped because the queue was full.</summary>
    public int Dropped => _dropped;

    /// <summary>Never waits.</summary>
    public void Add(MlflowMetric metric)
    {
        if (!_queue.Writer.TryWrite(metric))
            _dropped++;
    }

    /// <summary>Ends the run, and waits until all is sent, or until a server that is away has not answered one last request.</summary>
    /// <param name="ending">How the run ends.</param>
    /// <param name="limit">Longest time to wait.</param>
    /// <returns>Whether all was sent.</returns>
    public bool Close(MlflowEnding ending, TimeSpan limit)
    {
        _ending = ending;
        _queue.Writer.TryComplete();
        _closing.Cancel();
        _sending.Wait(limit);
        _end.Cancel();
        return _sending.IsCompletedSuccessfully && !_isFailing;
    }

    public void Dispose()
    {
        _closing.Cancel();
        _end.Cancel();
        _client.Dispose();
    }

    private async Task SendAsync(MlflowBeginning beginning)
    {
        try
        {
            await SendAllAsync(beginning).ConfigureAwait(false);
        }
        catch (Exception e) // whatever it is, the training goes on
        {
            _isFailing = true;
            if (!_end.IsCancellationRequested)
                _failure = e as MlflowFailure ?? new MlflowFailure(SafeText.Message(e), isTransient: false);
            _queue.Writer.TryComplete();
        }
    }

    private async Task SendAllAsync(MlflowBeginning beginning)
    {
        var experiment = await PersistAsync(token => _client.ExperimentAsync(beginning.Experiment, token)).ConfigureAwait(false);
        var (runId, artifactUri) = await PersistAsync(
            token => _client.CreateRunAsync(experiment, beginning.Name, beginning.StartTime, beginning.Tags, token)).ConfigureAwait(false);
        (_runId, _artifactUri) = (runId, artifactUri);
        await PersistAsync(token => LogAsync([], beginning.Parameters, s_none, token)).ConfigureAwait(false);

        while (await _queue.Reader.WaitToReadAsync(_end.Token).ConfigureAwait(false))
        {
            await Task.Delay(s_betweenBatches, _time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            List<MlflowMetric> batch = [];
            while (batch.Count < MlflowText.MostMetrics && _queue.Reader.TryRead(out var metric))
                batch.Add(metric);
            await PersistAsync(token => LogAsync(batch, s_none, s_none, token)).ConfigureAwait(false);
        }

        if (_ending is not { } ending)
            return; // disposed without an end
        await PersistAsync(token => LogAsync([], s_none, ending.Tags, token)).ConfigureAwait(false);
        if (_client.TakesArtifacts(artifactUri))
        {
            foreach (var file in ending.Files.Where(File.Exists))
                await PersistAsync(token => Done(_client.UploadAsync(artifactUri, file, token))).ConfigureAwait(false);
        }
        await PersistAsync(token => Done(_client.EndAsync(runId, ending.State, ending.EndTime, token))).ConfigureAwait(false);

        Task<bool> LogAsync(
            IReadOnlyCollection<MlflowMetric> metrics, IReadOnlyDictionary<string, string> parameters,
            IReadOnlyDictionary<string, string> tags, CancellationToken token) =>
            metrics.Count + parameters.Count + tags.Count == 0
                ? Task.FromResult(true)
                : Done(_client.LogAsync(runId, metrics, parameters, tags, token));
    }

    private static async Task<bool> Done(Task request)
    {
        await request.ConfigureAwait(false);
        return true;
    }

    // Asks again with growing pauses while the training goes on. Its end ends a pause, and the request after that is the last.
    private async Task<T> PersistAsync<T>(Func<CancellationToken, Task<T>> request)
    {
        for (var pause = s_betweenBatches; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
        {
            try
            {
                var answer = await request(_end.Token).ConfigureAwait(false);
                _isFailing = false;
                return answer;
            }
            catch (MlflowFailure failure) when (failure.IsTransient && !_closing.IsCancellationRequested)
            {
                _isFailing = true;
                _failure = failure;
                _end.Token.ThrowIfCancellationRequested();
                await Task.Delay(pause, _time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
