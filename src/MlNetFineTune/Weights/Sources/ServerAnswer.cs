using System.Globalization;
using System.Net.Http.Headers;

namespace MlNetFineTune.WeightSources;

/// <summary>What a server answered after all redirects, its body not yet read. Owns the connection.</summary>
/// <param name="Message">Response of the last server.</param>
/// <param name="Address">Address of the last server.</param>
/// <param name="Hub">Headers of the hub's own response; a server that it redirects to cannot set them.</param>
internal sealed record ServerAnswer(HttpResponseMessage Message, Uri Address, HubHeaders Hub) : IDisposable
{
    public HttpContentHeaders Headers => Message.Content.Headers;

    public void Dispose() => Message.Dispose();
}

/// <summary>The headers by which a model hub describes a file: its commit, and the SHA-256 and size of what is stored elsewhere.</summary>
internal sealed record HubHeaders(string? Commit, string? LinkedETag, string? LinkedSize, string? Error)
{
    public static HubHeaders None { get; } = new(null, null, null, null);

    /// <summary>The file's SHA-256; null where the hub stores it in git itself.</summary>
    public Sha256Digits? Sha256 => Sha256Digits.TryParse(LinkedETag?.Trim('"'));

    public long? Size => long.TryParse(LinkedSize, NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : null;

    /// <summary>What is said first counts: the hub answers before those it redirects to.</summary>
    public HubHeaders Or(HttpResponseMessage message) => new(
        Commit ?? Value(message, "X-Repo-Commit"), LinkedETag ?? Value(message, "X-Linked-Etag"), LinkedSize
            ?? Value(message, "X-Linked-Size"), Error ?? Value(message, "X-Error-Code"));

    private static string? Value(HttpResponseMessage message, string name) => message.Headers.TryGetValues(name, out var values)
        ? values.FirstOrDefault()
        : null;
}
