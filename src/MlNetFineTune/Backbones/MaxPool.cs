using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>The largest value of each 3x3 window, at every other pixel: [N, C, H, W] -> [N, C, H', W'], H' about H / 2. Has no parameters.</summary>
/// <param name="border">Pixels on every side that never win.</param>
/// <param name="keepsRest">Whether a last window that reaches over the edge counts: H' is rounded up, not down.</param>
internal sealed class MaxPool(int border, bool keepsRest = false) : Block(nameof(MaxPool))
{
    public override IEnumerable<ConvNorm> Pairs => [];

    public override Tensor forward(Tensor input) => nn.functional.max_pool2d(input, 3, stride: 2, padding: border, ceil_mode: keepsRest);
}
