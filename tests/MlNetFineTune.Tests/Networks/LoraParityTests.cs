using System.Text.Json;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Low-rank adapters against PyTorch's numbers (tools/reference/lora_fixture.py): layers forward, merged and backward, and twenty
/// steps of a network. In doubles.</summary>
[TestClass]
public sealed class LoraParityTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("lora.json");

    [TestMethod]
    [DataRow("linear")]
    [DataRow("conv1x1")]
    [DataRow("conv3x3")]
    public void ALayersOutputMergedWeightAndGradientsArePyTorchs(string name)
    {
        var expected = s_fixture.GetProperty("layers").EnumerateArray().Single(layer => layer.Text("name") == name);
        using var layer = Formula.Made(ScalarType.Float64, nn.Module<Tensor, Tensor> () => name switch
        {
            "linear" => new Linear(5, 4),
            "conv1x1" => new Conv2d(6, 8, 1),
            _ => new Conv2d(6, 4, 3, stride: 2, bias: true),
        });
        var host = (IAdaptable)layer;
        using var addition = new LoraLayer(host, (int)expected.Number("rank"), s_fixture.Number("alpha"), dropout: 0);
        host.Adapter = addition;
        foreach (var (tensor, parameter) in layer.named_parameters())
            Formula.Fill($"layer.{tensor}", parameter);
        Formula.Fill("layer.lora_A.weight", addition.lora_A);
        Formula.Fill("layer.lora_B.weight", addition.lora_B);

        using var scope = NewDisposeScope();
        var input = (name == "linear" ? Formula.Images(2, 3, 5, type: ScalarType.Float64)
            .view(6, 3, 5) : Formula.Images(2, 6, 5, type: ScalarType.Float64).view(1, 6, 6, 5)).detach().requires_grad_();
        var output = layer.forward(input);
        (output * tensor(Formula.Values("gradient.weight", output.shape), output.shape)).sum().backward();

        Fixture.AreClose(expected.GetProperty("output").Numbers(), output.Values(), 1e-9, "output");
        Fixture.AreClose(expected.GetProperty("merged").Numbers(), addition.Sum().Values(), 1e-9, "merged weight");
        var gradients = expected.GetProperty("gradients");
        Fixture.AreClose(gradients.GetProperty("input").Numbers(), input.grad!.Values(), 1e-9, "gradient of the input");
        Fixture.AreClose(gradients.GetProperty("A").Numbers(), addition.lora_A.grad!.Values(), 1e-9, "gradient of A");
        Fixture.AreClose(gradients.GetProperty("B").Numbers(), addition.lora_B.grad!.Values(), 1e-9, "gradient of B");
        addition.Merge();
        Fixture.AreClose(expected.GetProperty("output").Numbers(), layer.forward(input).Values(), 1e-9, "merged output");
        addition.Unmerge();
        Fixture.AreClose(output.Values(), layer.forward(input).Values(), 0, "unmerged again");
        foreach (var parameter in layer.parameters().Append(addition.lora_A).Append(addition.lora_B))
            parameter.grad = null;
    }

    [TestMethod]
    [DataRow(0, "everywhere")]
    [DataRow(1, "in two stages")]
    public void TwentyStepsFollowPyTorchAndMoveNothingElse(int index, string where)
    {
        var expected = s_fixture.GetProperty("runs")[index];
        using var classifier = Formula.Classifier("micro", 1, "symmetric", 1e-5, ScalarType.Float64);
        var strategy = index == 0 ? Strategy.Full(layerDecay: 1) : Strategy.LastStages(2, layerDecay: 1);
        var plan = strategy.Resolve(classifier.Name, classifier.Stages, epochs: 1);
        var part = Adapter.Lora((int)s_fixture.Number("rank"), (float)s_fixture.Number("alpha"))
            .Apply(classifier, plan, seed: 1, log: _ => { }).Resolve(classifier).Phases.Single();
        foreach (var (name, tensor) in classifier.NamedTensors()
            .Where(named => named.Name.EndsWith("lora_A.weight", StringComparison.Ordinal)))
            Formula.Fill(name, tensor);
        var frozen = part.FrozenStages;
        var groups = ParameterGroups.Apply(part, classifier);
        var trained = classifier.NamedParameters().Where(named => named.Parameter.requires_grad).Select(named => named.Name).ToList();
        CollectionAssert.AreEquivalent(
            expected.GetProperty("trained").EnumerateArray().Select(name => name.GetString()).ToArray(), trained);
        var before = classifier.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values());

        using (var state = Optimizer.AdamW((float)s_fixture.Number("weightDecay")).CreateState(groups))
        {
            classifier.BeginTraining(frozen);
            var losses = Enumerable.Range(0, 20).Select(step =>
            {
                using var scope = NewDisposeScope();
                var labels = tensor(Enumerable.Range(step, 4).Select(k => (long)(k % 10)).ToArray());
                var outputs = classifier.ForwardInTraining(
                    Formula.Images(4, 32, 32, 1000 * step, ScalarType.Float64), first: 0, seed: 1, step);
                var loss = nn.functional.cross_entropy(outputs, labels, label_smoothing: 0.1);
                state.ZeroGradients();
                loss.backward();
                state.Step(s_fixture.Number("learningRate") * LearningRateSchedule.Cosine(warmup: 0.2f).FactorAt(step, 20));
                return loss.Values()[0];
            }).ToArray();
            state.ZeroGradients();
            Fixture.AreClose(expected.GetProperty("losses").Numbers(), losses, 1e-6, $"loss of adapters {where} at step");
        }

        var after = classifier.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values());
        Fixture.AreClose(expected.GetProperty("headBias").Numbers(), after["fc.bias"], 1e-6, "bias of the head");
        Fixture.AreClose(expected.GetProperty("last").Numbers(), after[expected.Text("lastName")], 1e-6, expected.Text("lastName"));
        foreach (var norm in expected.GetProperty("norms").EnumerateObject())
            Fixture.AreClose([norm.Value.GetDouble()], [Math.Sqrt(after[norm.Name].Sum(v => v * v))], 1e-6, $"norm of {norm.Name}");
        foreach (var (name, values) in before)
            Assert.AreEqual(trained.Contains(name), !values.SequenceEqual(after[name]),
                $"{name}: pretrained weights and statistics keep every bit, what trains moves");
    }
}
