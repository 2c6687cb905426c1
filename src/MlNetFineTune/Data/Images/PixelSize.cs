namespace MlNetFineTune.Data;

/// <summary>Width and height in pixels. One number stands for a square.</summary>
internal readonly record struct PixelSize(int Width, int Height)
{
    public static implicit operator PixelSize(int side) => new(side, side);

    /// <summary>Rows and columns exchanged.</summary>
    public PixelSize Transposed => new(Height, Width);
}
