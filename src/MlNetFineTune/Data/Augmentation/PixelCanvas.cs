using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>
/// A resampled picture during pixel operations. An operation whose result for a channel depends only on that channel's value is a table of
/// 256 bytes; tables are composed, exactly, until an operation needs the pixels. Brightness, contrast and posterize together thus cost one
/// pass and give the same result as one after another.
/// </summary>
internal ref struct PixelCanvas
{
    public const int TablesLength = 3 * 256;

    // The pending tables of red, green and blue.
    private readonly Span<byte> _tables;
    private readonly Span<byte> _pixels;
    private bool _pending;

    public PixelCanvas(Span<byte> pixels, PixelSize size, ImagePreprocessing preprocessing, Span<byte> tables)
    {
        _pixels = pixels;
        _tables = tables;
        Size = size;
        Preprocessing = preprocessing;
        ResetTables();
    }

    public ImagePreprocessing Preprocessing { get; }

    public PixelSize Size { get; }

    /// <summary>[height, width, 3] bytes, red first, after applying pending operations.</summary>
    public Span<byte> Pixels
    {
        get
        {
            Flush();
            return _pixels;
        }
    }

    /// <summary>Maps the value v of a channel to <paramref name="table"/>[v].</summary>
    public void Map(int channel, scoped ReadOnlySpan<byte> table)
    {
        foreach (ref var value in TableOf(channel))
            value = table[value];
        _pending = true;
    }

    /// <inheritdoc cref="Map(int, ReadOnlySpan{byte})"/>
    public void Map(scoped ReadOnlySpan<byte> table)
    {
        for (var channel = 0; channel < 3; channel++)
            Map(channel, table);
    }

    /// <summary>Histogram of each channel: [3, 256].</summary>
    public readonly void Count(scoped Span<int> histograms)
    {
        Span<int> stored = stackalloc int[TablesLength];
        stored.Clear();
        for (var i = 0; i + 3 <= _pixels.Length; i += 3)
        {
            stored[_pixels[i]]++;
            stored[256 + _pixels[i + 1]]++;
            stored[512 + _pixels[i + 2]]++;
        }
        histograms[..TablesLength].Clear();
        for (var i = 0; i < TablesLength; i++)
            histograms[(i & ~255) + _tables[i]] += stored[i];
    }

    /// <summary>Mean luma of the pixels.</summary>
    public readonly double MeanLuma()
    {
        Span<int> parts = stackalloc int[TablesLength];
        for (var i = 0; i < 256; i++)
            (parts[i], parts[256 + i], parts[512 + i]) =
                (LumaRed * _tables[i], LumaGreen * _tables[256 + i], LumaBlue * _tables[512 + i] + LumaHalf);
        ref var part = ref MemoryMarshal.GetReference(parts);
        long sum = 0;
        foreach (ref var pixel in MemoryMarshal.Cast<byte, Rgb>(_pixels))
            sum += (Unsafe.Add(ref part, pixel.Red) + Unsafe.Add(ref part, 256 + pixel.Green)
                + Unsafe.Add(ref part, 512 + pixel.Blue)) >> 16;
        return sum / (double)(_pixels.Length / 3);
    }

    /// <summary>Interpolates between the grey of each pixel (factor 0) and its colour (factor 1), or extrapolates.</summary>
    public void Saturate(float factor)
    {
        Flush();
        ref var bytes = ref MemoryMarshal.GetReference(_pixels);
        var done = 0;
        // Four pixels are 12 bytes; 16 are read.
        for (; done + 16 <= _pixels.Length; done += 12)
        {
            var packed = Vector128.LoadUnsafe(ref bytes, (nuint)done);
            var (red, green, blue) = (Channel(packed, 0), Channel(packed, 1), Channel(packed, 2));
            var grey = Vector128.ConvertToSingle(
                Vector128.ShiftRightLogical(red * LumaRed + green * LumaGreen + blue * LumaBlue + Vector128.Create(LumaHalf), 16));
            var moved = Moved(red, grey, factor) | Moved(green, grey, factor) << 8 | Moved(blue, grey, factor) << 16;
            var result = Vector128.Shuffle(
                moved.AsByte(), Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255));
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref bytes, done), result.AsUInt64().ToScalar());
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref bytes, done + 8), result.AsUInt32().GetElement(2));
        }
        foreach (ref var pixel in MemoryMarshal.Cast<byte, Rgb>(_pixels[done..]))
        {
            var grey = (LumaRed * pixel.Red + LumaGreen * pixel.Green + LumaBlue * pixel.Blue + LumaHalf) >> 16;
            pixel.Red = ColorTables.Truncate(grey + factor * (pixel.Red - grey));
            pixel.Green = ColorTables.Truncate(grey + factor * (pixel.Green - grey));
            pixel.Blue = ColorTables.Truncate(grey + factor * (pixel.Blue - grey));
        }
    }

    /// <summary>Applies the pending tables.</summary>
    public void Flush()
    {
        if (!_pending)
            return;
        ref var table = ref MemoryMarshal.GetReference(_tables);
        foreach (ref var pixel in MemoryMarshal.Cast<byte, Rgb>(_pixels))
        {
            pixel.Red = Unsafe.Add(ref table, pixel.Red);
            pixel.Green = Unsafe.Add(ref table, 256 + pixel.Green);
            pixel.Blue = Unsafe.Add(ref table, 512 + pixel.Blue);
        }
        ResetTables();
    }

    // Pillow's conversion to grey (src/libImaging/Convert.c): ITU-R BT.601 in 16 bits.
    private const int LumaRed = 19595, LumaGreen = 38470, LumaBlue = 7471, LumaHalf = 0x8000;

    // One channel of four pixels.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Channel(Vector128<byte> packed, [ConstantExpected] byte channel) =>
        Vector128.Shuffle(
            packed, Vector128.Create(channel, 255, 255, 255, (byte)(channel + 3), 255, 255, 255, (byte)(channel + 6), 255, 255, 255,
                (byte)(channel + 9), 255, 255, 255)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Moved(Vector128<int> channel, Vector128<float> grey, float factor) =>
        Vector128.ConvertToInt32Native(
            Vector128.Clamp(grey + (Vector128.ConvertToSingle(channel) - grey) * factor, Vector128<float>.Zero, Vector128.Create(255f)));

    private readonly Span<byte> TableOf(int channel) => _tables.Slice(channel * 256, 256);

    private void ResetTables()
    {
        for (var i = 0; i < TablesLength; i++)
            _tables[i] = (byte)i;
        _pending = false;
    }

    // Bytes as indices of tables with 256 entries need no bounds check.
    private struct Rgb
    {
        public byte Red;
        public byte Green;
        public byte Blue;
    }
}
