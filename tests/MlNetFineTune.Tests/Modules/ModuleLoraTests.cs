using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Adapters beside the layers of a user's module.</summary>
[TestClass]
public sealed class ModuleLoraTests
{
    private static readonly TableRow[] s_rows = TableRow.Many(60);

    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Kinds => [["Deep", "in, mid"], ["Convolutions", "conv2"], ["Custom", "wide, narrow"]];

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void OutputsAndGradientsAreThoseOfTheWeightsWithTheProductAdded(string kind, string layers)
    {
        TorchLayers.Count(context => new TorchLayersFactory { Kind = kind }.Create(context), make =>
        {
            AnyFactory.Make = make;
            using var network = Create(kind);
            using var merged = Create(kind);
            string[] names = layers.Split(", ");
            LoraAdapter.Attach(network, names, rank: 2, alpha: 3, dropout: 0);
            using var scope = NewDisposeScope();
            foreach (var (name, parameter) in network.NamedParameters())
            {
                using var noGradients = no_grad();
                if (name.Contains("lora_", StringComparison.Ordinal))
                    parameter.copy_(tensor(Formula.Values(name, parameter.shape), parameter.shape));
                parameter.requires_grad_(name.Contains("lora_", StringComparison.Ordinal));
            }
            // By hand: W + 3 / 2 B A in the other network's own weights.
            var tensors = network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor);
            foreach (var name in names)
            {
                using var noGradients = no_grad();
                var product = tensors[$"{name}.lora_B.weight"].flatten(1).mm(tensors[$"{name}.lora_A.weight"].flatten(1));
                var weight = merged.NamedTensors().Single(named => named.Name == $"{name}.weight").Tensor;
                weight.add_(product.mul(1.5).view(weight.shape));
            }
            var input = Inputs(kind, 7);

            var (outputs, expected) = (network.ForwardRest(input, 0), merged.ForwardRest(input, 0));
            Fixture.AreClose(expected.Values(), outputs.Values(), 1e-5, "output");
            outputs.square().sum().backward();
            expected.square().sum().backward();

            foreach (var name in names)
            {
                // dA = 3 / 2 B' G and dB = 3 / 2 G A', where G is the gradient of the whole weight.
                var gradient = merged.NamedParameters().Single(named => named.Name == $"{name}.weight").Parameter.grad!.flatten(1);
                var (a, b) = (tensors[$"{name}.lora_A.weight"], tensors[$"{name}.lora_B.weight"]);
                Fixture.AreClose(b.flatten(1).t().mm(gradient).mul(1.5).Values(), a.grad!.Values(), 1e-4, $"{name}: gradient of A");
                Fixture.AreClose(gradient.mm(a.flatten(1).t()).mul(1.5).Values(), b.grad!.Values(), 1e-4, $"{name}: gradient of B");
                Assert.IsGreaterThan(1e-3, a.grad!.abs().max().item<float>(), "a gradient of nothing proves nothing");
                a.grad = b.grad = null;
            }
            foreach (var (_, parameter) in merged.NamedParameters())
                parameter.grad = null;

            // Merged for scoring, and apart again: the layer's own weight is untouched.
            var before = tensors[$"{names[0]}.weight"].Values();
            network.PrepareForScoring();
            merged.PrepareForScoring();
            using (no_grad())
                Fixture.AreClose(merged.ForwardRest(input, 0).Values(), network.ForwardRest(input, 0).Values(), 1e-5, "merged output");
            CollectionAssert.AreEqual(before, network.NamedTensors().Single(named => named.Name == $"{names[0]}.weight").Tensor.Values());
            Fixture.AreClose(
                merged.NamedTensors().Single(named => named.Name == $"{names[0]}.weight").Tensor.Values(),
                network.PlainTensors().Single(named => named.Name == $"{names[0]}.weight").Tensor.Values(), 1e-6, "merged weight");
            network.Freeze(0);
            CollectionAssert.AreEqual(before, network.NamedParameters().Single(named => named.Name == $"{names[0]}.weight").Parameter.Values());
        });
    }

    private static ModuleNetwork Create(string kind) => ModuleNetwork.Create(
        new AnyFactory(), "any", new ModuleContext([new ModuleInputShape("Features", kind == "Convolutions" ? [1, 2, 3] : [6])], 3), seed: 5);

    private static Tensor Inputs(string kind, int rows)
    {
        long[] shape = kind == "Convolutions" ? [rows, 1, 2, 3] : [rows, 6];
        return tensor(Formula.Values("input", shape), shape);
    }
}
