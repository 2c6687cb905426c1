namespace MlNetFineTune.Data;

/// <summary>Decoded pixels in memory, 4 bytes each, and their orientation.</summary>
/// <param name="pixels">Rows from top to bottom without padding.</param>
/// <param name="width">Width of the whole picture as stored, in pixels.</param>
/// <param name="height">Height of the whole picture as stored, in pixels.</param>
/// <param name="blueFirst">BGRA instead of RGBA.</param>
/// <param name="orientation">EXIF orientation, 1 to 8.</param>
/// <param name="window">The part of the picture in <paramref name="pixels"/>; null for the whole.</param>
internal readonly ref struct PixelSource(
    ReadOnlySpan<byte> pixels, int width, int height, bool blueFirst, int orientation = 1, PixelWindow? window = null)
{
    private const int BytesPerPixel = 4;

    /// <summary>The pixels of <see cref="Window"/>.</summary>
    public ReadOnlySpan<byte> Pixels { get; } = pixels;

    public PixelWindow Window { get; } = window ?? new PixelWindow(0, 0, width, height);

    public int Width { get; } = width;

    public int Height { get; } = height;

    public bool BlueFirst { get; } = blueFirst;

    /// <summary>Whether the upright picture is transposed.</summary>
    public bool IsTransposed { get; } = orientation >= 5;

    /// <summary>Stored columns run from right to left (after exchanging the axes, if transposed).</summary>
    public bool ReversesColumns { get; } = orientation is 2 or 3 or 7 or 8;

    /// <summary>Stored rows run from bottom to top.</summary>
    public bool ReversesRows { get; } = orientation is 3 or 4 or 6 or 7;

    /// <summary>The pixels of a stored line from <see cref="Window"/>'s left edge to its right.</summary>
    public ReadOnlySpan<byte> Row(int y) => Pixels.Slice((y - Window.Top) * Window.Width * BytesPerPixel, Window.Width * BytesPerPixel);
}
