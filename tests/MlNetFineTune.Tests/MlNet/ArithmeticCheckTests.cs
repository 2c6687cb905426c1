using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.MlNet;

[TestClass]
public sealed class ArithmeticCheckTests
{
    [TestMethod]
    public void ThisProcessorComputesRightWhateverModeTheCallerIsIn()
    {
        ArithmeticCheck.Run(Right);
        using (inference_mode())
            ArithmeticCheck.Run(Right);
        using (no_grad())
            ArithmeticCheck.Run(Right);
    }

    [TestMethod]
    [DataRow("one value", "a 1x1 convolution [3, 120, 14, 14]")]
    [DataRow("two channels", "a 1x1 convolution [3, 120, 14, 14]")]
    [DataRow("missing", "a 1x1 convolution [3, 120, 14, 14]")]
    [DataRow("stride", "of stride 2")]
    [DataRow("depthwise", "a depthwise convolution")]
    [DataRow("default layout", "in default layout")]
    [DataRow("input gradient", "the gradient by the input of a 1x1 convolution")]
    [DataRow("kernel gradient", "the gradient by the kernels of a 1x1 convolution")]
    public void WrongArithmeticIsAnErrorThatSaysWhichAndWhatToDo(string kind, string expected)
    {
        var message = Assert.ThrowsExactly<ArithmeticException>(() => ArithmeticCheck.Run(
            (images, kernels, stride, padding, groups) => Wrong(kind, images, kernels, stride, padding, groups))).Message;

        StringAssert.Contains(message, expected);
        StringAssert.Contains(message, "ONEDNN_MAX_CPU_ISA=AVX");
        StringAssert.Contains(message, ArithmeticCheck.Switch);
        StringAssert.Contains(message, Processor.Current.Name);
    }

    // The library itself, in a process that sees an AMD processor without caches: oneDNN alone would give wrong numbers there, or end the
    // process.
    [TestMethod]
    [DataRow("amd-without-caches")]
    [DataRow("intel-without-caches")]
    public void ConvolutionsAreRightWhereTheCachesAreHidden(string processor)
    {
        var (exit, output) = OtherProcessor.RunOrSkip(processor, nameof(PointwiseConvolutionsOfAllSizesAreRight), []);

        Assert.AreEqual(0, exit, output);
        Assert.DoesNotContain("NNPACK", output);
    }

    // That the simulation shows the fault at all, and that the check sees it: the user's own setting is left alone.
    [TestMethod]
    public void ASettingOfTheUsersOwnIsLeftAloneAndWhatItGetsWrongIsAnError()
    {
        var (exit, output) = OtherProcessor.RunOrSkip(
            "amd-without-caches", nameof(ThisProcessorComputesRightWhateverModeTheCallerIsIn), [("ONEDNN_MAX_CPU_ISA", "AVX512_CORE")]);

        if (!System.Runtime.Intrinsics.X86.Avx512F.IsSupported)
            Assert.Inconclusive("Only AVX-512 shows it.");
        Assert.AreNotEqual(0, exit);
        StringAssert.Contains(output, "libtorch computes wrong numbers on this processor");
    }

    // Widths of MobileNetV2, ResNet-50 and EfficientNet; the last three ended the process.
    [TestMethod]
    public void PointwiseConvolutionsOfAllSizesAreRight()
    {
        TorchRuntime.EnsureLoaded();
        using var noGradients = no_grad();
        foreach (var (n, from, side, to, stride) in ((int, int, int, int, int)[])
            [
                (16, 320, 7, 1280, 1), (1, 320, 7, 1280, 1), (3, 256, 14, 512, 2), (3, 480, 14, 80, 1), (3, 1024, 7, 1024, 1),
                (16, 960, 7, 320, 1), (1, 256, 14, 1024, 1), (1, 512, 14, 1024, 2), (1, 512, 7, 2048, 1),
            ])
        {
            using var scope = NewDisposeScope();
            var images = Numbers(n, from, side, side);
            var kernels = Numbers(to, from, 1, 1);
            var truth = nn.functional.conv2d(images.to(ScalarType.Float64), kernels.to(ScalarType.Float64), strides: [stride, stride]);
            var channelsLast = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
            var found = nn.functional.conv2d(channelsLast, kernels, strides: [stride, stride]);
            var error = ((found.to(ScalarType.Float64) - truth).abs().max() / truth.abs().max()).item<double>();
            Assert.IsLessThan(1e-5, error, $"[{n}, {from}, {side}, {side}] to {to}, stride {stride}");
        }
    }

    private static Tensor Numbers(params long[] shape) => tensor(Formula.Values(string.Join(" ", shape), shape), shape);

    private static Tensor Right(Tensor images, Tensor kernels, long stride, long padding, long groups) =>
        nn.functional.conv2d(images, kernels, strides: [stride, stride], padding: [padding, padding], groups: groups);

    private static Tensor Wrong(string kind, Tensor images, Tensor kernels, long stride, long padding, long groups)
    {
        if (kind == "input gradient")
            return Right(images * 2 - images.detach(), kernels, stride, padding, groups);
        if (kind == "kernel gradient")
            return Right(images, kernels * 2 - kernels.detach(), stride, padding, groups);
        var output = Right(images, kernels, stride, padding, groups);
        var broken = kind switch
        {
            "stride" => stride == 2,
            "depthwise" => groups > 4,
            "default layout" => images.is_contiguous(),
            _ => true,
        };
        if (!broken)
            return output;
        using var noGradients = no_grad();
        var copy = output.clone();
        if (kind == "missing")
            copy[0, 0, 0, 0] = float.NaN;
        else if (kind == "two channels")
            copy[0, 0] = output[0, 1];
        else
            copy[0, 3, 2, 1] = output[0, 3, 2, 1] + output.abs().max() * 0.3;
        return output + (copy - output);
    }
}
