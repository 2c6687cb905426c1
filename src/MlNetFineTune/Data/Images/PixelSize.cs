namespace MlNetFineTune.Data;

/// <summary>Width and height in pixels. A single number means a square.</summary>
internal readonly record struct PixelSize(int Width, int Height)
{
    public static implicit operator PixelSize(int side) => new(side, side);

    /// <summary>The size with width and height exchanged.</summary>
    public PixelSize Transposed => new(Height, Width);
}
