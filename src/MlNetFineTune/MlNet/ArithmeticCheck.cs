using System.Runtime.CompilerServices;
using MlNetFineTune.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.MlNet;

/// <summary>
/// A self-test before the first training or scoring: convolutions and matrix products of libtorch are compared with plain arithmetic,
/// because libtorch has silently computed wrong numbers on some processors (see <see cref="CacheSizes"/>).
/// <para>
/// Every value of a product is checked at the cost of a few: with a vector r of random signs and sizes, sum_o r_o (w_o * x) must equal
/// (sum_o r_o w_o) * x, a convolution of one output channel (Huang and Abraham 1984, "Algorithm-Based Fault Tolerance for Matrix
/// Operations", https://doi.org/10.1109/TC.1984.1676475).
/// </para>
/// </summary>
internal static class ArithmeticCheck
{
    /// <summary>Name of an <see cref="AppContext"/> switch that, set to true, skips the check.</summary>
    public const string Switch = "MlNetFineTune.SkipArithmeticCheck";

    public const string Advice = "Set the environment variable ONEDNN_MAX_CPU_ISA=AVX before the process starts: "
        + "slower, and right on every processor that was seen.";

    // Float32 sums of some hundred terms have errors of about 1e-6 of the largest value;
    // the wrong results that were observed differ by 0.3 and more.
    private const double Tolerance = 1e-4;

    // Shapes that were wrong in channels-last layout, and did not end the process, on Zen 5 with hidden caches; and one of each other kind.
    private static readonly Product[] s_products =
    [
        new("a 1x1 convolution", Batch: 3, In: 120, Side: 14, Out: 40, Kernel: 1),
        new("a 1x1 convolution of stride 2", Batch: 1, In: 256, Side: 14, Out: 512, Kernel: 1, Stride: 2),
        new("a 3x3 convolution", Batch: 2, In: 32, Side: 14, Out: 32, Kernel: 3),
        new("a 3x3 convolution in four groups", Batch: 2, In: 64, Side: 7, Out: 64, Kernel: 3, Groups: 4),
        new("a depthwise convolution", Batch: 2, In: 96, Side: 14, Out: 96, Kernel: 3, Groups: 96),
    ];

    public delegate Tensor Convolution(Tensor images, Tensor kernels, long stride, long padding, long groups);

    /// <exception cref="ArithmeticException">A product is wrong; the message says which, by how much, and what to do.</exception>
    public static void Run()
    {
        if (AppContext.TryGetSwitch(Switch, out var skipped) && skipped)
            return;
        Run((images, kernels, stride, padding, groups) =>
            nn.functional.conv2d(images, kernels, strides: [stride, stride], padding: [padding, padding], groups: groups));
    }

    /// <inheritdoc cref="Run()"/>
    /// <param name="convolve">The convolution to check.</param>
    public static void Run(Convolution convolve)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode(false); // the caller may be scoring already
        using var gradients = enable_grad();
        foreach (var product in s_products)
            Check(product, channelsLast: true, convolve);
        Check(s_products[0], channelsLast: false, convolve);
    }

    private static void Check(Product product, bool channelsLast, Convolution convolve)
    {
        using var scope = NewDisposeScope();
        var (n, side) = (product.Batch, product.Side);
        var images = Numbers(n * product.In * side * side, 1);
        var kernels = Numbers(product.Out * product.InOfGroup * product.Kernel * product.Kernel, 2);
        var weights = Numbers(product.Out, 3); // r
        var combined = Combine(product, kernels, weights);

        var x = Laid(tensor(images, [n, product.In, side, side]), channelsLast).requires_grad_(true);
        var w = Laid(tensor(kernels, [product.Out, product.InOfGroup, product.Kernel, product.Kernel]), channelsLast).requires_grad_(true);
        var y = convolve(x, w, product.Stride, product.Border, product.Groups); // [n, out, outSide, outSide]
        var found = y.detach().contiguous().data<float>().ToArray();

        Compare(Expected(product, images, combined), Weigh(product, found, weights), product, channelsLast, "");
        if (product == s_products[0] && channelsLast)
            CheckGradients(product, channelsLast, images, combined, weights, x, w, y);
    }

    // Of sum r_o y_o of a 1x1 convolution: by a pixel the combined kernel, by a kernel r_o times the sum of its channel.
    private static void CheckGradients(
        Product product, bool channelsLast, float[] images, double[] combined, float[] weights, Tensor x, Tensor w, Tensor y)
    {
        var pixels = product.Side * product.Side;
        var direction = Laid(tensor(weights, [1, product.Out, 1, 1]).expand(y.shape).clone(), channelsLast);
        y.backward([direction]);

        var sums = ChannelSums(product, images);
        Compare(Repeated(combined, pixels, product.Batch), Doubles(x.grad!), product, channelsLast, "the gradient by the input of ");
        Compare(Outer(weights, sums), Doubles(w.grad!), product, channelsLast, "the gradient by the kernels of ");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] Doubles(Tensor tensor)
    {
        var singles = tensor.contiguous().data<float>().ToArray();
        var doubles = new double[singles.Length];
        for (var i = 0; i < singles.Length; i++)
            doubles[i] = singles[i];
        return doubles;
    }

    // Over images and pixels: [in].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] ChannelSums(Product product, float[] images)
    {
        var (channels, pixels) = (product.In, product.Side * product.Side);
        var sums = new double[channels];
        for (var i = 0; i < images.Length; i++)
            sums[i / pixels % channels] += images[i];
        return sums;
    }

    // Each value at every pixel, and all that for every image: [n, in, side, side].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] Repeated(double[] values, int pixels, int images)
    {
        var repeated = new double[values.Length * pixels * images];
        for (var i = 0; i < repeated.Length; i++)
            repeated[i] = values[i / pixels % values.Length];
        return repeated;
    }

    // [out, in].
    private static double[] Outer(float[] left, double[] right)
    {
        var outer = new double[left.Length * right.Length];
        for (var i = 0; i < outer.Length; i++)
            outer[i] = left[i / right.Length] * right[i % right.Length];
        return outer;
    }

    // sum_o r_o w_o, over the channels that see an input channel: [in, k, k].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] Combine(Product product, float[] kernels, float[] weights)
    {
        var area = product.Kernel * product.Kernel;
        var outOfGroup = product.Out / product.Groups;
        var combined = new double[product.In * area];
        for (var o = 0; o < product.Out; o++)
        {
            for (var i = 0; i < product.InOfGroup * area; i++)
                combined[o / outOfGroup * product.InOfGroup * area + i] += weights[o] * (double)kernels[o * product.InOfGroup * area + i];
        }
        return combined;
    }

    // (sum_o r_o w_o) * x, as it is written in a textbook: [n, outSide, outSide].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs once: there is no second time to be quicker in
    private static double[] Expected(Product product, float[] images, double[] combined)
    {
        var (side, outSide, kernel) = (product.Side, product.OutSide, product.Kernel);
        var expected = new double[product.Batch * outSide * outSide];
        for (var plane = 0; plane < product.Batch * product.In; plane++)
        {
            var (image, channel) = (plane / product.In, plane % product.In);
            for (var at = 0; at < outSide * outSide; at++)
            {
                for (var tap = 0; tap < kernel * kernel; tap++)
                {
                    var y = at / outSide * product.Stride + tap / kernel - product.Border;
                    var x = at % outSide * product.Stride + tap % kernel - product.Border;
                    if (y < 0 || y >= side || x < 0 || x >= side)
                        continue;
                    expected[image * outSide * outSide + at] +=
                        images[(plane * side + y) * side + x] * combined[channel * kernel * kernel + tap];
                }
            }
        }
        return expected;
    }

    // sum_o r_o y_o: [n, outSide, outSide].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] Weigh(Product product, float[] found, float[] weights)
    {
        var area = product.OutSide * product.OutSide;
        var sums = new double[product.Batch * area];
        for (var plane = 0; plane < product.Batch * product.Out; plane++)
        {
            for (var at = 0; at < area; at++)
                sums[plane / product.Out * area + at] += weights[plane % product.Out] * (double)found[plane * area + at];
        }
        return sums;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compare(double[] expected, double[] actual, Product product, bool channelsLast, string of)
    {
        var (largest, error) = (0.0, 0.0);
        foreach (var value in expected)
            largest = Math.Max(largest, Math.Abs(value));
        for (var i = 0; i < expected.Length; i++)
        {
            var difference = Math.Abs(actual[i] - expected[i]) / largest;
            error = difference > error || double.IsNaN(difference) ? difference : error;
        }
        if (!(error <= Tolerance))
        {
            throw new ArithmeticException(FormattableString.Invariant(
                $"libtorch computes wrong numbers on this processor ({Processor.Current}): {of}{product} in ")
                + (channelsLast ? "channels-last" : "default")
                + FormattableString.Invariant(
                    $" layout, Float32, is off by {error:0.0000} of the largest value; at most {Tolerance} is rounding. ")
                + $"{Advice} (AppContext switch {Switch} leaves this check out.)");
        }
    }

    private static Tensor Laid(Tensor tensor, bool channelsLast) =>
        channelsLast ? tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : tensor;

    // Between -1 and 1 and the same everywhere: a counter through a mixer (Steele, Lea and Flood 2014,
    // https://doi.org/10.1145/2714064.2660195).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float[] Numbers(int count, ulong stream)
    {
        var numbers = new float[count];
        for (var i = 0; i < count; i++)
        {
            var mixed = (stream << 32) + (ulong)i * 0x9E3779B97F4A7C15;
            mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            numbers[i] = (mixed >> 40) / (float)(1 << 23) - 1; // 24 bits
        }
        return numbers;
    }

    private sealed record Product(string Kind, int Batch, int In, int Side, int Out, int Kernel, int Stride = 1, int Groups = 1)
    {
        public int Border => (Kernel - 1) / 2;

        public int OutSide => (Side + 2 * Border - Kernel) / Stride + 1;

        public int InOfGroup => In / Groups;

        public override string ToString() => $"{Kind} [{Batch}, {In}, {Side}, {Side}] to {Out} channels";
    }
}
