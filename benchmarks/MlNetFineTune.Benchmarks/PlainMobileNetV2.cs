using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// A plain MobileNetV2 from TorchSharp's own modules, as peer. Field names are timm's, so that both networks load the same weights. Strided
/// convolutions use the padding of the weights (TensorFlow's SAME, for even sizes one pixel at the bottom and right).
/// </summary>
internal sealed class PlainMobileNetV2 : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006, IDE0052 // Field names are tensor names.
    private readonly Conv2d conv_stem = Conv2d(3, 32, 3, stride: 2, bias: false);
    private readonly BatchNorm2d bn1 = BatchNorm2d(32, eps: 1e-3);
    private readonly ModuleList<ModuleList<Module<Tensor, Tensor>>> blocks = new();
    private readonly Conv2d conv_head = Conv2d(320, 1280, 1, bias: false);
    private readonly BatchNorm2d bn2 = BatchNorm2d(1280, eps: 1e-3);
#pragma warning restore IDE1006, IDE0052

    public PlainMobileNetV2(int classes)
        : base(nameof(PlainMobileNetV2))
    {
        var channels = 32;
        foreach (var (expansion, outChannels, repeats, stride)
            in ((int, int, int, int)[])[(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                (6, 320, 1, 1)])
        {
            var group = new ModuleList<Module<Tensor, Tensor>>();
            for (var r = 0; r < repeats; r++)
            {
                group.Add(expansion == 1 ? new First(channels, outChannels) : new Inverted(
                    channels, outChannels, r == 0 ? stride : 1, expansion));
                channels = outChannels;
            }
            blocks.Add(group);
        }
        RegisterComponents();
        classifier = Linear(1280, classes);
        register_module(nameof(classifier), classifier);
    }

#pragma warning disable IDE1006
    public Linear classifier { get; }
#pragma warning restore IDE1006

    /// <summary>[N, 3, H, W] -> [N, 1280].</summary>
    public Tensor Features(Tensor pixels)
    {
        var x = functional.relu6(bn1.forward(conv_stem.forward(functional.pad(pixels, [0, 1, 0, 1]))));
        foreach (var group in blocks)
        {
            foreach (var block in group)
                x = block.forward(x);
        }
        return functional.relu6(bn2.forward(conv_head.forward(x))).mean([2, 3]);
    }

    public override Tensor forward(Tensor pixels) => classifier.forward(Features(pixels));

    private sealed class First : Module<Tensor, Tensor>
    {
#pragma warning disable IDE1006
        private readonly Conv2d conv_dw;
        private readonly BatchNorm2d bn1;
        private readonly Conv2d conv_pw;
        private readonly BatchNorm2d bn2;
#pragma warning restore IDE1006

        public First(int channels, int outChannels)
            : base(nameof(First))
        {
            conv_dw = Conv2d(channels, channels, 3, padding: 1, groups: channels, bias: false);
            bn1 = BatchNorm2d(channels, eps: 1e-3);
            conv_pw = Conv2d(channels, outChannels, 1, bias: false);
            bn2 = BatchNorm2d(outChannels, eps: 1e-3);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => bn2.forward(conv_pw.forward(functional.relu6(bn1.forward(conv_dw.forward(x)))));
    }

    private sealed class Inverted : Module<Tensor, Tensor>
    {
#pragma warning disable IDE1006
        private readonly Conv2d conv_pw;
        private readonly BatchNorm2d bn1;
        private readonly Conv2d conv_dw;
        private readonly BatchNorm2d bn2;
        private readonly Conv2d conv_pwl;
        private readonly BatchNorm2d bn3;
#pragma warning restore IDE1006
        private readonly bool _residual;
        private readonly bool _strided;

        public Inverted(int channels, int outChannels, int stride, int expansion)
            : base(nameof(Inverted))
        {
            var wide = channels * expansion;
            conv_pw = Conv2d(channels, wide, 1, bias: false);
            bn1 = BatchNorm2d(wide, eps: 1e-3);
            conv_dw = Conv2d(wide, wide, 3, stride: stride, padding: stride == 1 ? 1 : 0, groups: wide, bias: false);
            bn2 = BatchNorm2d(wide, eps: 1e-3);
            conv_pwl = Conv2d(wide, outChannels, 1, bias: false);
            bn3 = BatchNorm2d(outChannels, eps: 1e-3);
            _strided = stride == 2;
            _residual = stride == 1 && channels == outChannels;
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            var y = functional.relu6(bn1.forward(conv_pw.forward(x)));
            if (_strided)
                y = functional.pad(y, [0, 1, 0, 1]);
            y = bn3.forward(conv_pwl.forward(functional.relu6(bn2.forward(conv_dw.forward(y)))));
            return _residual ? x + y : y;
        }
    }
}
