using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>The NuGet package TorchVision has networks by other authors, under torchvision's names: an independent check of ours.</summary>
/// <remarks>
/// Its MobileNetV3 is not among them: the gates have ReLU6 where torchvision and the paper have ReLU. Ours is compared with torchvision
/// itself (tools/reference/network_fixtures.py).
/// </remarks>
[TestClass]
public sealed class TorchVisionTests
{
    [TestMethod]
    [DataRow("resnet18")]
    [DataRow("resnet50")]
    [DataRow("mobilenetv2_100")]
    public void TheSameWeightsGiveTheSameLogits(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var theirs = Create(name);
        theirs.eval();
        var tensors = theirs.state_dict().Where(entry => entry.Value.is_floating_point()).ToList();
        foreach (var (tensorName, tensor) in tensors)
            Formula.Fill(tensorName, tensor);
        var path = Path.Combine(SmallPictures.NewFolder(), $"{name}.safetensors");
        SafeTensorsWriter.WriteFile(path, [.. tensors.Select(entry => (entry.Key, entry.Value))], new Dictionary<string, string>());
        var images = Formula.Images(2, 96, 96);

        var expected = theirs.forward(images);
        using var ours = Backbone.FromName(name).WithWeights(path).CreateNetwork(seed: 1, _ => { });
        ours.eval();
        var last = theirs.modules().OfType<TorchSharp.Modules.Linear>().Last();
        var logits = nn.functional.linear(ours.forward(images), last.weight!, last.bias);

        var largest = expected.abs().max().item<float>();
        Assert.IsGreaterThan(0.01f, largest);
        Assert.IsLessThan(1e-5f * largest, (logits - expected).abs().max().item<float>());
    }

    // TorchSharp counts parameters of its layers as alive for ever: as many as a network leaves that is only made and disposed.
    private static nn.Module<Tensor, Tensor> Create(string name)
    {
        var before = Tensor.TotalCount;
        Make().Dispose();
        MiscountedTensors.Expect(2 * (Tensor.TotalCount - before));
        return Make();

        nn.Module<Tensor, Tensor> Make() => name switch
        {
            "resnet18" => torchvision.models.resnet18(num_classes: 10),
            "resnet50" => torchvision.models.resnet50(num_classes: 10),
            _ => torchvision.models.mobilenet_v2(num_classes: 10),
        };
    }
}
