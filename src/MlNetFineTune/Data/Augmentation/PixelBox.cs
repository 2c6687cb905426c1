using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>A rectangle of whole pixels.</summary>
internal readonly record struct PixelBox(int Top, int Left, int Height, int Width)
{
    public int Area => Height * Width;

    /// <summary>A view: [N, H, W, C] -> [N, height, width, C]. The caller disposes it.</summary>
    public Tensor Of(Tensor pixels)
    {
        using var rows = pixels.narrow(1, Top, Height);
        return rows.narrow(2, Left, Width);
    }
}
