using System.Runtime.InteropServices;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>
/// Determines whether a batch of one row can be trained. With one value per channel BatchNorm has no variance: PyTorch raises "Expected
/// more than 1 value per channel when training"; libtorch normalises to 0, and divides by n - 1 = 0 in the running variance, which is NaN
/// from then on. The number of values depends on the layer (a layer on maps has all positions of a picture), so that a trial decides, whose
/// effect on running statistics is reverted.
/// </summary>
internal static class SingleRow
{
    private const string Variance = "running_var";

    /// <param name="network">The network in training mode; not changed.</param>
    /// <param name="forward">The forward pass of one row through the trained stages.</param>
    /// <returns>Name of the first BatchNorm that cannot normalise; null if all can.</returns>
    public static string? FindUnusableNorm(FineTunedNetwork network, Func<Tensor> forward)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var buffers = network.NamedTensors().Where(named => named.Tensor is not Parameter)
            .Select(named => (named.Name, Live: named.Tensor, Before: named.Tensor.clone())).ToList();
        try
        {
            forward();
            var norm = buffers.Find(buffer =>
                buffer.Name.EndsWith(Variance, StringComparison.Ordinal) && IsFinite(buffer.Before) && !IsFinite(buffer.Live));
            return norm.Name is null ? null : $"BatchNorm '{norm.Name[..^Variance.Length].TrimEnd('.')}'";
        }
        catch (ExternalException e) when (e.Message.Contains("more than 1 value per channel", StringComparison.Ordinal))
        {
            return "a BatchNorm"; // a scripted program raises the error itself
        }
        finally
        {
            foreach (var (_, live, before) in buffers)
                live.copy_(before);
        }
    }

    private static bool IsFinite(Tensor tensor) => tensor.isfinite().all().item<bool>();
}
