using System.Runtime.Intrinsics;

namespace MlNetFineTune.Data;

/// <summary>Maps a stored line of pixels to its place in the upright output, which has three bytes per pixel, red first.</summary>
internal readonly struct OutputLines
{
    private readonly bool _transposed;
    private readonly bool _reversesColumns;
    private readonly bool _reversesRows;
    private readonly bool _blueFirst;
    private readonly int _width;

    /// <param name="source">The source, for its orientation.</param>
    /// <param name="mirrored">Whether the upright picture is flipped horizontally.</param>
    /// <param name="flipped">Whether it is flipped vertically.</param>
    /// <param name="size">Size of the upright output.</param>
    public OutputLines(PixelSource source, bool mirrored, bool flipped, PixelSize size)
    {
        _width = size.Width;
        Size = source.IsTransposed ? size.Transposed : size;
        _blueFirst = source.BlueFirst;
        _transposed = source.IsTransposed;
        _reversesColumns = source.ReversesColumns ^ (source.IsTransposed ? flipped : mirrored);
        _reversesRows = source.ReversesRows ^ (source.IsTransposed ? mirrored : flipped);
    }

    /// <summary>Size of the output in the orientation of the source: length and number of the lines.</summary>
    public PixelSize Size { get; }

    /// <param name="v">Index of the stored line.</param>
    /// <param name="line">[width of <see cref="Size"/>, 4] bytes.</param>
    /// <param name="output">[height, width, 3] bytes, upright.</param>
    public void Write(int v, ReadOnlySpan<byte> line, Span<byte> output)
    {
        var b = _reversesRows ? Size.Height - 1 - v : v;
        // Stored (u, v) goes to upright (a, b), with the axes exchanged where transposed.
        var (offset, step) = _transposed ? (b * 3, _width * 3) : (b * _width * 3, 3);
        if (_reversesColumns)
            (offset, step) = (offset + (Size.Width - 1) * step, -step);
        if (step == 3)
            WriteRun(line, output.Slice(offset, Size.Width * 3));
        else
            WriteApart(line, output, offset, step);
    }

    // Four pixels at once: 16 bytes become 12, and four beyond them, which the next four pixels overwrite.
    private void WriteRun(ReadOnlySpan<byte> line, Span<byte> output)
    {
        var order = _blueFirst
            ? Vector128.Create((byte)2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 3, 7, 11, 15)
            : Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
        var x = 0;
        for (; x + 16 <= line.Length && x / 4 * 3 + 16 <= output.Length; x += 16)
            Vector128.Shuffle(Vector128.Create(line.Slice(x, 16)), order).CopyTo(output[(x / 4 * 3)..]);
        WriteApart(line[x..], output[(x / 4 * 3)..], 0, 3);
    }

    private void WriteApart(ReadOnlySpan<byte> line, Span<byte> output, int offset, int step)
    {
        var (red, blue) = _blueFirst ? (2, 0) : (0, 2);
        for (var x = 0; x < line.Length; x += 4, offset += step)
        {
            output[offset + 2] = line[x + blue];
            output[offset + 1] = line[x + 1];
            output[offset] = line[x + red];
        }
    }
}
