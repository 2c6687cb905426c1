using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// The MobileNetV2 of the NuGet package TorchVision, written by others, with the library's weights. It pads strided convolutions on both
/// sides and its BatchNorm has another epsilon than these weights, so that it computes as much, and other scores; with weights of its own
/// kind both give the same (<c>TorchVisionTests</c>).
/// </summary>
internal static class TorchVisionPeer
{
    public const string Name = "TorchVision's network";

    /// <summary>The caller disposes it.</summary>
    public static nn.Module<Tensor, Tensor> MobileNetV2(ImageNetwork ours)
    {
        var peer = torchvision.models.mobilenet_v2(num_classes: Networks.Classes, dropout: 0);
        var names = Architectures.Find("mobilenetv2_100")!.OtherNames.Single(names => names.Naming == "torchvision");
        var tensors = ours.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor, StringComparer.Ordinal);
        using var noGradients = no_grad();
        foreach (var (name, tensor) in peer.state_dict().Where(entry => entry.Value.is_floating_point()))
            tensor.copy_(tensors[names.ToOurs(name.Replace("classifier.1.", "classifier.", StringComparison.Ordinal))]);
        return peer;
    }
}
