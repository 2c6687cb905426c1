namespace MlNetFineTune.Data;

/// <summary>A rectangle of pixels of a stored picture.</summary>
internal readonly record struct PixelWindow(int Left, int Top, int Width, int Height)
{
    public int Right => Left + Width;

    public int Bottom => Top + Height;

    /// <summary>The smallest window that covers the given edges, clipped to the picture; at least one pixel.</summary>
    public static PixelWindow Covering(double left, double top, double right, double bottom, int width, int height)
    {
        var (x, y) = (Begin(left, width), Begin(top, height));
        return new PixelWindow(x, y, End(right, x, width) - x, End(bottom, y, height) - y);

        static int Begin(double place, int size) => (int)Math.Clamp(Math.Floor(place), 0, size - 1);

        static int End(double place, int begin, int size) => (int)Math.Clamp(Math.Ceiling(place), begin + 1, size);
    }
}
