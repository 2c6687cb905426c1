using System.Text;
using Microsoft.Playwright;
using QuickStart;
using SkiaSharp;

namespace MlNetFineTune.PhotoDesk.Tests.Page;

/// <summary>Files to upload: surfaces that no desk begins with.</summary>
internal static class Pictures
{
    private const int Seed = 4711;

    /// <summary><c>scratch-03.jpg</c>, 320 pixels wide.</summary>
    public static FilePayload Of(string kind, int index, string? name = null)
    {
        using var picture = SurfaceImages.Draw(Seed, kind, index, size: 320);
        using var jpeg = picture.Encode(SKEncodedImageFormat.Jpeg, quality: 90);
        return new FilePayload { Name = name ?? $"{kind}-{index:00}.jpg", MimeType = "image/jpeg", Buffer = jpeg.ToArray() };
    }

    /// <summary>The first <paramref name="count"/> of all kinds by turns.</summary>
    public static FilePayload[] Some(int count) =>
        [.. Enumerable.Range(0, count).Select(i => Of(SurfaceImages.Kinds[i % SurfaceImages.Kinds.Count], i / SurfaceImages.Kinds.Count))];

    public static FilePayload Text(string name) =>
        new() { Name = name, MimeType = "text/plain", Buffer = Encoding.UTF8.GetBytes("not a picture") };
}
