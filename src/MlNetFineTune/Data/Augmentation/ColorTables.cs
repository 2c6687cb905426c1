namespace MlNetFineTune.Data;

/// <summary>
/// Operations that map each byte by a lookup table: brightness, contrast, posterize, solarize, autocontrast, equalize, invert. The
/// arithmetic, including truncation, is Pillow's (ImageEnhance.py, ImageOps.py), which torchvision calls for PIL images.
/// </summary>
internal static class ColorTables
{
    /// <summary>0 gives black, 1 changes nothing, above 1 brightens.</summary>
    public static void Brightness(ref PixelCanvas canvas, in PixelOperation operation) => Blend(ref canvas, 0, (float)operation.Value);

    /// <summary>0 gives the picture's mean grey, 1 changes nothing, above 1 increases contrast.</summary>
    public static void Contrast(ref PixelCanvas canvas, in PixelOperation operation) =>
        Blend(ref canvas, (int)(canvas.MeanLuma() + 0.5), (float)operation.Value);

    /// <summary>Reduces values to their upper bits, 0 to 8.</summary>
    public static void Posterize(ref PixelCanvas canvas, in PixelOperation operation)
    {
        var kept = 0xFF << 8 - (int)operation.Value;
        Span<byte> table = stackalloc byte[256];
        for (var i = 0; i < 256; i++)
            table[i] = (byte)(i & kept);
        canvas.Map(table);
    }

    /// <summary>Inverts values at or above the threshold.</summary>
    public static void Solarize(ref PixelCanvas canvas, in PixelOperation operation)
    {
        Span<byte> table = stackalloc byte[256];
        for (var i = 0; i < 256; i++)
            table[i] = (byte)(i < operation.Value ? i : 255 - i);
        canvas.Map(table);
    }

    public static void Invert(ref PixelCanvas canvas, in PixelOperation operation)
    {
        Span<byte> table = stackalloc byte[256];
        for (var i = 0; i < 256; i++)
            table[i] = (byte)(255 - i);
        canvas.Map(table);
    }

    /// <summary>Stretches each channel so that its smallest value becomes 0 and its largest 255.</summary>
    public static void AutoContrast(ref PixelCanvas canvas, in PixelOperation operation)
    {
        Span<int> histograms = stackalloc int[PixelCanvas.TablesLength];
        Span<byte> table = stackalloc byte[256];
        canvas.Count(histograms);
        for (var channel = 0; channel < 3; channel++)
        {
            var histogram = histograms.Slice(channel * 256, 256);
            var (low, high) = (histogram.IndexOfAnyExcept(0), histogram.LastIndexOfAnyExcept(0));
            if (high <= low)
                continue;
            var scale = 255.0 / (high - low);
            for (var i = 0; i < 256; i++)
                table[i] = (byte)Math.Clamp((int)(i * scale - low * scale), 0, 255);
            canvas.Map(channel, table);
        }
    }

    /// <summary>Equalizes the histogram of each channel.</summary>
    public static void Equalize(ref PixelCanvas canvas, in PixelOperation operation)
    {
        Span<int> histograms = stackalloc int[PixelCanvas.TablesLength];
        Span<byte> table = stackalloc byte[256];
        canvas.Count(histograms);
        for (var channel = 0; channel < 3; channel++)
        {
            var histogram = histograms.Slice(channel * 256, 256);
            var last = histogram.LastIndexOfAnyExcept(0);
            var step = (canvas.Size.Width * canvas.Size.Height - histogram[last]) / 255;
            if (step == 0)
                continue;
            var sum = step / 2;
            for (var i = 0; i < 256; i++)
            {
                table[i] = (byte)Math.Min(sum / step, 255);
                sum += histogram[i];
            }
            canvas.Map(channel, table);
        }
    }

    /// <summary>
    /// Converts to a byte as in C: truncation towards zero. For values within the range of int, for which all processors agree.
    /// </summary>
    public static byte Truncate(float value)
    {
        var whole = float.ConvertToIntegerNative<int>(value);
        return (byte)((uint)whole <= 255 ? whole : ~whole >> 31); // 0 below, 255 above
    }

    // Image.blend with a constant grey.
    private static void Blend(ref PixelCanvas canvas, int grey, float factor)
    {
        Span<byte> table = stackalloc byte[256];
        for (var i = 0; i < 256; i++)
            table[i] = Truncate(grey + factor * (i - grey));
        canvas.Map(table);
    }
}
