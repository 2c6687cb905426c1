using MlNetFineTune.MlNet;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>The largest value of each window, at every other pixel: [N, C, H, W] -> [N, C,
/// H', W'], H' about H / 2. Has no parameters.</summary>
/// <param name="kernel">Width and height of the window.</param>
/// <param name="border">Number of padding pixels on every side, which are never the maximum.</param>
/// <param name="keepsRest">Whether a last window that reaches over the edge counts: H' is rounded up, not down.</param>
internal sealed class MaxPool(int kernel, int border = 0, bool keepsRest = false) : Block(nameof(MaxPool))
{
    public override Tensor forward(Tensor input) =>
        nn.functional.max_pool2d(input, kernel, stride: 2, padding: border, ceil_mode: keepsRest);

    public override GraphValue Write(NetworkGraph graph, GraphValue input) => graph.Add(
        "MaxPool", [input], ("kernel_shape", (long[])[kernel, kernel]), ("strides", (long[])[2, 2]),
        ("pads", (long[])[border, border, border, border]), ("ceil_mode", keepsRest ? 1L : 0L));
}
