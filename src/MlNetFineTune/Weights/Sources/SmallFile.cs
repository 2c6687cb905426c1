using System.Security.Cryptography;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.WeightSources;

/// <summary>A file that is read into memory, up to a limit.</summary>
internal static class SmallFile
{
    public static Task<(byte[] Content, HubHeaders Hub)> GetAsync(
        WeightServer server, Uri address, int limit, CancellationToken cancellationToken) =>
        new RetryPolicy(server.Cache.Time)
            .RunAsync(() => AttemptAsync(server, address, limit, cancellationToken), () => 0, cancellationToken);

    private static async Task<(byte[] Content, HubHeaders Hub)> AttemptAsync(
        WeightServer server, Uri address, int limit, CancellationToken cancellationToken)
    {
        using var answer = await server.GetAsync(address, from: 0, ifRange: null, cancellationToken).ConfigureAwait(false);
        using var body = await answer.Message.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var content = new MemoryStream();
        var buffer = new byte[1 << 14];
        while (true)
        {
            var count = await server.WithinStallTimeoutAsync(
                answer.Address, token => body.ReadAsync(buffer, token).AsTask(), cancellationToken).ConfigureAwait(false);
            if (count == 0)
                return (Checked(content.ToArray(), answer, address), answer.Hub);
            if (content.Length + count > limit)
                throw new InvalidDataException($"{WeightServer.Show(address)} is larger than {limit} bytes; expected a small file.");
            content.Write(buffer, 0, count);
        }
    }

    private static byte[] Checked(byte[] content, ServerAnswer answer, Uri address) =>
        answer.Hub.Sha256 is { } expected && Convert.ToHexStringLower(SHA256.HashData(content)) is var found && !expected.Matches(found)
            ? throw new InvalidDataException(
                $"What {WeightServer.Show(address)} sent is not what the hub has: "
                + $"expected SHA-256 {expected}, found {found} ({content.Length} bytes).")
            : content;
}
