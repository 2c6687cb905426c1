namespace MlNetFineTune.Data;

/// <summary>
/// What changes each byte by a table: brightness, contrast, posterize, solarize, autocontrast, equalize, invert. Each is Pillow's
/// arithmetic (ImageEnhance.py, ImageOps.py), its truncation included, which torchvision calls on PIL images.
/// </summary>
internal static class ColorTables
{
    /// <summary>Towards black (0), unchanged (1) or beyond.</summary>
    public static void Brightness(ref PixelCanvas canvas, in PixelOperation operation) => Blend(ref canvas, 0, (float)operation.Value);

    /// <summary>Towards the picture's mean grey (0), unchanged (1) or beyond.</summary>
    public static void Contrast(ref PixelCanvas canvas, in PixelOperation operation) =>
        Blend(ref canvas, (int)(canvas.MeanLuma() + 0.5), (float)operation.Value);

    /// <summary>Keeps so many of the upper bits, 0 to 8.</summary>
    public static void Posterize(ref PixelCanvas canvas, in PixelOperation operation)
    {
        var kept = 0xFF << 8 - (int)operation.Value;
        Span<byte> table = stackalloc byte[256];
        for (var i = 0; i < 256; i++)
            table[i] = (byte)(i & kept);
        canvas.Map(table);
    }

    /// <summary>Inverts what is not below the threshold.</summary>
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

    /// <summary>Stretches each channel so that its darkest value becomes 0 and its brightest 255.</summary>
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

    /// <summary>Makes each channel's values about equally frequent.</summary>
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

    /// <summary>To a byte as C does: towards zero. For values that are far from the limits of int, where all processors agree.</summary>
    public static byte Truncate(float value)
    {
        var whole = float.ConvertToIntegerNative<int>(value);
        return (byte)((uint)whole <= 255 ? whole : ~whole >> 31); // 0 below, 255 above
    }

    // Image.blend with one grey.
    private static void Blend(ref PixelCanvas canvas, int grey, float factor)
    {
        Span<byte> table = stackalloc byte[256];
        for (var i = 0; i < 256; i++)
            table[i] = Truncate(grey + factor * (i - grey));
        canvas.Map(table);
    }
}
