namespace MlNetFineTune.Data;

/// <summary>Operations that mix the channels of a pixel: saturation and hue, as in Pillow, including its 8-bit hue.</summary>
internal static class ColorFilters
{
    /// <summary>0 gives grey, 1 changes nothing, above 1 saturates: ImageEnhance.Color.</summary>
    public static void Saturation(ref PixelCanvas canvas, in PixelOperation operation) => canvas.Saturate((float)operation.Value);

    /// <summary>
    /// Rotates the hue by a fraction of the circle, -0.5 to 0.5: torchvision's <c>adjust_hue</c>, with Pillow's HSV conversion
    /// (src/libImaging/Convert.c).
    /// </summary>
    public static void Hue(ref PixelCanvas canvas, in PixelOperation operation)
    {
        var turn = (int)(operation.Value * 255);
        var pixels = canvas.Pixels;
        for (var i = 0; i + 3 <= pixels.Length; i += 3)
        {
            var (hue, saturation, value) = ToHsv(pixels[i], pixels[i + 1], pixels[i + 2]);
            (pixels[i], pixels[i + 1], pixels[i + 2]) = ToRgb((byte)(hue + turn), saturation, value);
        }
    }

    private static (byte Hue, byte Saturation, byte Value) ToHsv(byte red, byte green, byte blue)
    {
        var (most, least) = (Math.Max(red, Math.Max(green, blue)), Math.Min(red, Math.Min(green, blue)));
        if (most == least)
            return (0, 0, most);
        float range = most - least;
        var saturation = range / most;
        var (r, g, b) = ((most - red) / range, (most - green) / range, (most - blue) / range);
        var hue = red == most ? b - g
            : green == most ? (float)(2.0 + r - b)
            : (float)(4.0 + g - r);
        hue = (float)((hue / 6.0 + 1.0) % 1.0);
        return ((byte)Math.Clamp((int)(hue * 255.0), 0, 255), (byte)Math.Clamp((int)(saturation * 255.0), 0, 255), most);
    }

    private static (byte Red, byte Green, byte Blue) ToRgb(byte hue, byte saturation, byte value)
    {
        if (saturation == 0)
            return (value, value, value);
        var sector = (int)Math.Floor(hue * 6.0 / 255.0);
        var rest = (float)(hue * 6.0 / 255.0 - sector);
        var share = (float)(saturation / 255.0);
        var p = Round(value * (1.0 - share));
        var q = Round(value * (1.0 - share * rest));
        var t = Round(value * (1.0 - share * (1.0 - rest)));
        return (sector % 6) switch
        {
            0 => (value, t, p),
            1 => (q, value, p),
            2 => (p, value, t),
            3 => (p, q, value),
            4 => (t, p, value),
            _ => (value, p, q),
        };

        static byte Round(double x) => (byte)Math.Clamp((int)Math.Round(x, MidpointRounding.AwayFromZero), 0, 255);
    }
}
