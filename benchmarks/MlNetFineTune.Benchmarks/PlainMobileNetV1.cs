using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// A plain MobileNetV1 from TorchSharp's own modules. Field names are timm's, padding is TensorFlow's, as in
/// <see cref="PlainMobileNetV2"/>.
/// </summary>
internal sealed class PlainMobileNetV1 : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006, IDE0052 // Field names are tensor names.
    private readonly Conv2d conv_stem;
    private readonly BatchNorm2d bn1;
    private readonly ModuleList<ModuleList<Module<Tensor, Tensor>>> blocks = new();
    private readonly Linear classifier;
#pragma warning restore IDE1006, IDE0052

    public PlainMobileNetV1(double width, int classes, double epsilon)
        : base(nameof(PlainMobileNetV1))
    {
        var channels = (int)(32 * width);
        conv_stem = Conv2d(3, channels, 3, stride: 2, bias: false);
        bn1 = BatchNorm2d(channels, eps: epsilon);
        foreach (var (full, repeats, stride) in ((int, int, int)[])[(64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2)])
        {
            var group = new ModuleList<Module<Tensor, Tensor>>();
            for (var r = 0; r < repeats; r++)
            {
                group.Add(new Separable(channels, (int)(full * width), r == 0 ? stride : 1, epsilon));
                channels = (int)(full * width);
            }
            blocks.Add(group);
        }
        classifier = Linear(channels, classes);
        RegisterComponents();
    }

    public override Tensor forward(Tensor pixels)
    {
        var x = functional.relu6(bn1.forward(conv_stem.forward(functional.pad(pixels, [0, 1, 0, 1]))));
        foreach (var group in blocks)
        {
            foreach (var block in group)
                x = block.forward(x);
        }
        return classifier.forward(x.mean([2, 3]));
    }

    private sealed class Separable : Module<Tensor, Tensor>
    {
#pragma warning disable IDE1006
        private readonly Conv2d conv_dw;
        private readonly BatchNorm2d bn1;
        private readonly Conv2d conv_pw;
        private readonly BatchNorm2d bn2;
#pragma warning restore IDE1006
        private readonly bool _strided;

        public Separable(int channels, int outChannels, int stride, double epsilon)
            : base(nameof(Separable))
        {
            conv_dw = Conv2d(channels, channels, 3, stride: stride, padding: stride == 1 ? 1 : 0, groups: channels, bias: false);
            bn1 = BatchNorm2d(channels, eps: epsilon);
            conv_pw = Conv2d(channels, outChannels, 1, bias: false);
            bn2 = BatchNorm2d(outChannels, eps: epsilon);
            _strided = stride == 2;
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            if (_strided)
                x = functional.pad(x, [0, 1, 0, 1]);
            return functional.relu6(bn2.forward(conv_pw.forward(functional.relu6(bn1.forward(conv_dw.forward(x))))));
        }
    }
}
