using System.Text.Json;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Fusion;

/// <summary>
/// Loss and gradients of a picture with a table beside it, against PyTorch (tools/reference/fusion_fixture.py), in doubles.
/// </summary>
[TestClass]
public sealed class FusionParityTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("fusion.json");

    [TestMethod]
    public void LossAndGradientsAreThoseOfPyTorch()
    {
        using var scope = NewDisposeScope();
        using var network = CreateNetwork();
        using var inputs = new ModelInputs(Formula.Images(4, 32, 32, type: ScalarType.Float64), new Dictionary<string, Tensor>
        {
            [TableBranch.Numbers] = tensor(NumbersOf("numbers"), [4, 2], ScalarType.Float64),
            [TableBranch.Keys] = tensor([.. NumbersOf("keys").Select(key => (long)key)], [4, 2], ScalarType.Int64),
            [TableBranch.Missing] = tensor(NumbersOf("missing"), [4, 1], ScalarType.Float64),
        });
        var labels = tensor([.. NumbersOf("labels").Select(label => (long)label)], ScalarType.Int64);

        var logits = network.ForwardInTraining(inputs, first: 0, seed: 1, step: 0);
        var loss = nn.functional.cross_entropy(logits, labels);
        loss.backward();

        Fixture.AreClose(s_fixture.GetProperty("logits").Numbers(), logits.Values(), 1e-9, "logit");
        Fixture.AreClose(s_fixture.GetProperty("loss").Numbers(), loss.Values(), 1e-9, "loss");
        foreach (var expected in s_fixture.GetProperty("gradients").EnumerateObject())
        {
            var parameter = network.NamedParameters().Single(named => named.Name == expected.Name).Parameter;
            Fixture.AreClose(expected.Value.Numbers(), parameter.grad!.Values(), 1e-8, $"gradient of {expected.Name}");
            parameter.grad = null;
        }
    }

    private static ImageNetwork CreateNetwork()
    {
        var columns = NumbersOf("keyCounts").Select((count, i) => new ModuleContext.InputShape($"key{i}", [], (int)count));
        var form = new TableForm(
            [new ModuleContext.InputShape("numbers", [2]), .. columns], (int)s_fixture.Number("features"), LearnsMissingPictures: true);
        var network = Formula.Made(ScalarType.Float64, () => ImageNetwork.CreateEmpty(
            FixtureNetworks.Find("micro", 1), features => new LinearHead(features, outputs: 3), form));
        foreach (var (name, tensor) in network.NamedTensors())
            Formula.Fill(name, tensor);
        network.Table!.Standardize(
            [.. NumbersOf("means").Select(value => (float)value)], [.. NumbersOf("deviations").Select(value => (float)value)]);
        network.Backbone.eval();
        return network;
    }

    private static double[] NumbersOf(string name) => [.. s_fixture.GetProperty(name).EnumerateArray()
        .SelectMany(row => row.ValueKind == JsonValueKind.Array ? row.EnumerateArray().ToArray() : [row])
        .Select(value => value.ValueKind == JsonValueKind.Null ? double.NaN : value.GetDouble())];
}
