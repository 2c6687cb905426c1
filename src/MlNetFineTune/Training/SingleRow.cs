using System.Runtime.InteropServices;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>
/// Finds out whether a batch of one row can train. Where BatchNorm sees one value a channel there is no variance to normalise by: PyTorch
/// raises "Expected more than 1 value per channel when training"; libtorch below it normalises to 0, and divides by n - 1 = 0 in the
/// running variance, which is NaN from then on. How many values a layer sees is known to the network alone (a layer over maps sees all
/// places of a picture), so the row is tried, and what the trial did to the running statistics is undone.
/// </summary>
internal static class SingleRow
{
    private const string Variance = "running_var";

    /// <param name="network">In training mode; left as it is.</param>
    /// <param name="forward">A row on its way through the part that trains.</param>
    /// <returns>The first BatchNorm that cannot normalise; null where all can.</returns>
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
            return "a BatchNorm"; // a scripted program checks for itself
        }
        finally
        {
            foreach (var (_, live, before) in buffers)
                live.copy_(before);
        }
    }

    private static bool IsFinite(Tensor tensor) => tensor.isfinite().all().item<bool>();
}
