using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Whether bfloat16 is worth its rounding on a device: a convolution and a matrix product are timed in both formats, and compared. Without
/// instructions for bfloat16 libtorch converts each number, which was 10 to 30 times slower than float32 with AVX2.
/// </summary>
internal static class ReducedPrecision
{
    // Below this the conversions of a real network, which has other layers too, take the gain.
    private const double WorthIt = 1.2;

    // Products of bfloat16 have 8 bits: errors of some thousandths of the largest value.
    private const double Tolerance = 0.02;

    private const int Rounds = 5;

    private static readonly ConcurrentDictionary<(DeviceType, int), Lazy<Choice>> s_choices = new();

    /// <summary>Whether a training computes in bfloat16, with its reason in the log.</summary>
    /// <exception cref="NotSupportedException">bfloat16 is demanded, and this libtorch has no autocast.</exception>
    public static bool IsUsed(Precision precision, Device device, IChannel channel)
    {
        if (precision == Precision.Float32)
            return false;
        var choice = ChoiceFor(device);
        if (precision == Precision.BFloat16 && !choice.Use)
            channel.Warning($"Precision.BFloat16 on this device: {choice.Reason}. Precision.Auto would choose Float32.");
        else
            channel.Info($"Precision is {(choice.Use ? Precision.BFloat16 : Precision.Float32)}: {choice.Reason}.");
        return precision == Precision.BFloat16 || choice.Use;
    }

    /// <summary>The choice for a device, measured once in a process.</summary>
    public static Choice ChoiceFor(Device device) =>
        s_choices.GetOrAdd((device.type, device.index), _ => new Lazy<Choice>(() => Try(device))).Value;

    /// <param name="Use">Whether bfloat16 is used.</param>
    /// <param name="Reason">The reason, for the log.</param>
    public sealed record Choice(bool Use, string Reason);

    private static Choice Try(Device device)
    {
        try
        {
            return Measure(device);
        }
        catch (ExternalException e)
        {
            return new(false, $"libtorch has no operations in bfloat16 for this device ({e.Message.Split('\n')[0].Trim()})");
        }
    }

    private static Choice Measure(Device device)
    {
        if (!Autocast.IsAvailable)
            return new(false, "this version of libtorch does not export autocast");
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        using var generator = new Generator(1, device);
        var images = Numbers(4, 28, 28, 64).permute(0, 3, 1, 2); // channels-last, as in image networks
        var kernels = Numbers(64, 3, 3, 64).permute(0, 3, 1, 2);
        var (rows, columns) = (Numbers(512, 384), Numbers(384, 384));
        Func<Tensor>[] operations =
        [
            () => nn.functional.conv2d(images, kernels, padding: [1, 1]), () => rows.matmul(columns),
        ];
        var (exact, fast) = (0.0, 0.0);
        foreach (var operation in operations)
        {
            var error = Error(operation, device);
            if (!(error < Tolerance))
                return new(false, FormattableString.Invariant($"bfloat16 is off by {error:0.000} of the largest value on this device"));
            var (plain, cast) = (double.MaxValue, double.MaxValue);
            for (var round = 0; round < Rounds; round++)
            {
                plain = Math.Min(plain, SecondsOf(operation, device));
                using (Autocast.Begin(device.type))
                    cast = Math.Min(cast, SecondsOf(operation, device));
            }
            (exact, fast) = (exact + plain, fast + cast);
        }
        var ratio = exact / fast;
        return new(ratio >= WorthIt, FormattableString.Invariant(
            $"bfloat16 takes {fast * 1e3:0.00} ms where float32 takes {exact * 1e3:0.00} ms ({ratio:0.0} times as fast)"));

        Tensor Numbers(params long[] shape) => randn(shape, ScalarType.Float32, device, generator: generator);
    }

    private static double Error(Func<Tensor> operation, Device device)
    {
        using var scope = NewDisposeScope();
        var expected = operation();
        Tensor found;
        using (Autocast.Begin(device.type))
            found = operation().to(ScalarType.Float32);
        return (found - expected).abs().max().item<float>() / expected.abs().max().item<float>();
    }

    private static double SecondsOf(Func<Tensor> operation, Device device)
    {
        var watch = Stopwatch.StartNew();
        using var result = operation();
        if (device.type == DeviceType.CUDA)
            cuda.synchronize(device);
        return watch.Elapsed.TotalSeconds;
    }
}
