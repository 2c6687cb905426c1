using System.Diagnostics;
using System.Net;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.WeightSources;

/// <summary>
/// One file from a server into the cache: resumed where an earlier attempt ended (RFC 9110, sections 13.1.5 and 14), size and SHA-256 are
/// verified before it is renamed. The caller holds the lock.
/// </summary>
/// <param name="server">The server.</param>
/// <param name="address">Address of the file.</param>
/// <param name="file">The file of the cache.</param>
/// <param name="expected">The expected SHA-256; null where the hub's headers give it.</param>
/// <param name="progress">Receives the progress; null for none.</param>
internal sealed class Download(
    WeightServer server, Uri address, CachedFile file, Sha256Digits? expected, IProgress<PretrainedWeights.DownloadProgress>? progress)
{
    private static readonly TimeSpan s_betweenReports = TimeSpan.FromMilliseconds(100);

    private long _gained;

    /// <exception cref="HttpRequestException">The download failed;
    /// <see cref="HttpRequestException.StatusCode"/> gives the reason.</exception>
    /// <exception cref="InvalidDataException">Size or hash differ from those expected.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        file.Prepare();
        await new RetryPolicy(server.Cache.Time).RunAsync(() => AttemptAsync(cancellationToken), () => _gained, cancellationToken)
            .ConfigureAwait(false);
    }

    private async Task<bool> AttemptAsync(CancellationToken cancellationToken)
    {
        using var part = PartialFile.Open(file, expected, cancellationToken);
        using var answer = await AskAsync(part, cancellationToken).ConfigureAwait(false);

        var resumed = part.Length > 0;
        var total = part.Length + answer.Headers.ContentLength;
        var sha256 = expected ?? answer.Hub.Sha256;
        CheckSize(part.Length, total, answer.Hub.Size);

        await ReceiveAsync(part, answer, total, cancellationToken).ConfigureAwait(false);
        if (total is { } size && part.Length != size)
            throw new TransientFailure($"{WeightServer.Show(address)} sent {part.Length} of {size} bytes", inner: null);

        var found = part.Sha256();
        var length = part.Length;
        if (sha256 is not null && !sha256.Matches(found))
        {
            part.Delete();
            // The two parts may belong to different versions of the file: retry from the start.
            throw resumed
                ? new TransientFailure(
                    $"the part of '{file.Name}' that was here and the rest from {WeightServer.Show(address)} do not make a file with "
                    + $"SHA-256 {sha256}", inner: null)
                : new InvalidDataException($"What {WeightServer.Show(address)} sent is not '{file.Name}': "
                    + $"expected SHA-256 {sha256}, found {found} ({length} bytes). It was deleted.");
        }
        if (answer.Hub.Size is { } linked && linked != length)
        {
            part.Delete();
            throw new InvalidDataException(
                $"The hub says that '{file.Name}' has {linked} bytes, but {length} arrived from {WeightServer.Show(answer.Address)}. "
                + "They were deleted.");
        }

        part.CloseForGood();
        file.Complete(new Receipt
        {
            Bytes = length,
            Sha256 = found,
            Modified = default,
            Url = WeightServer.Show(address),
            ETag = (answer.Hub.LinkedETag ?? answer.Message.Headers.ETag?.ToString())?.Trim('"'),
        });
        progress?.Report(new PretrainedWeights.DownloadProgress(file.Name, length, length));
        return true;
    }

    /// <summary>The answer, and the part as long as what the answer continues.</summary>
    private async Task<ServerAnswer> AskAsync(PartialFile part, CancellationToken cancellationToken)
    {
        var answer = await server.GetAsync(address, part.Length, part.ETag, cancellationToken).ConfigureAwait(false);
        try
        {
            if (answer.Headers.ContentEncoding.Any(encoding => !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase)))
                throw new InvalidDataException(
                    $"{WeightServer.Show(answer.Address)} sends the file compressed "
                    + $"({SafeText.Of(string.Join(", ", answer.Headers.ContentEncoding))}), though it was asked not to.");
            switch (answer.Message.StatusCode)
            {
                case HttpStatusCode.PartialContent when Continues(part, answer):
                    return answer;
                case HttpStatusCode.OK:
                    part.Restart(answer.Message.Headers.ETag); // the file has changed, or the server does not support ranges
                    return answer;
                default:
                    part.Restart(null);
                    throw new TransientFailure(
                        $"{WeightServer.Show(answer.Address)} does not continue the file where it was asked to (Content-Range: "
                        + $"{SafeText.Of(answer.Headers.ContentRange?.ToString() ?? "none")})", inner: null);
            }
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    // A server that continues must repeat the ETag (RFC 9110, section 15.3.7); where there is none, the hash is known.
    private static bool Continues(PartialFile part, ServerAnswer answer) =>
        answer.Headers.ContentRange is { Unit: "bytes", From: { } from, To: { } to } range && from == part.Length
            && (range.Length is null || to + 1 == range.Length)
        && (part.ETag is null || part.ETag.Equals(answer.Message.Headers.ETag));

    private void CheckSize(long here, long? total, long? linked)
    {
        var limit = server.Cache.MaximumBytes;
        if (total > limit)
            throw new InvalidDataException(
                $"{WeightServer.Show(address)} has {total} bytes, more than the {limit} that PretrainedWeights.Cache.MaximumBytes allows.");
        if (total is { } size && linked is { } said && size != said)
            throw new InvalidDataException($"The hub says that '{file.Name}' has {said} bytes, but the server that stores it has {size}.");
        if (DiskSpace.FreeBytes(Path.GetDirectoryName(file.FullPath)!) is { } free && total - here > free)
            throw new IOException($"'{file.Name}' needs {total - here} more bytes, but only {free} are free where the cache is: "
                + $"'{file.FullPath}'.");
    }

    private async Task ReceiveAsync(PartialFile part, ServerAnswer answer, long? total, CancellationToken cancellationToken)
    {
        using var body = await answer.Message.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = new byte[1 << 17];
        var reported = 0L;
        progress?.Report(new PretrainedWeights.DownloadProgress(file.Name, part.Length, total));
        while (true)
        {
            var count = await server.WithinStallTimeoutAsync(
                answer.Address, token => body.ReadAsync(buffer, token).AsTask(), cancellationToken).ConfigureAwait(false);
            if (count == 0)
                return;
            if (part.Length + count > server.Cache.MaximumBytes)
            {
                part.Delete();
                throw new InvalidDataException(
                    $"{WeightServer.Show(answer.Address)} sends more than the {server.Cache.MaximumBytes} bytes that "
                    + "PretrainedWeights.Cache.MaximumBytes allows, without having said how many. They were deleted.");
            }
            await part.AppendAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            _gained += count;
            if (progress is not null && Stopwatch.GetElapsedTime(reported) > s_betweenReports)
            {
                reported = Stopwatch.GetTimestamp();
                progress.Report(new PretrainedWeights.DownloadProgress(file.Name, part.Length, total));
            }
        }
    }
}
