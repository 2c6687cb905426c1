using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>The parts that several networks share, in doubles: values against the formula written out,
/// gradients against differences of those values.</summary>
[TestClass]
public sealed class BuildingBlockTests
{
    private static readonly double[] s_inputs = [-4, -3, -2.2, -1, -0.3, 0.1, 0.9, 2, 3.1, 5, 6.5];

    private static double Naive(Activation activation, double x) => activation switch
    {
        Activation.None => x,
        Activation.ReLU => Math.Max(x, 0),
        Activation.ReLU6 => Math.Clamp(x, 0, 6),
        Activation.SiLU => x / (1 + Math.Exp(-x)),
        Activation.Hardswish => x * Math.Clamp(x + 3, 0, 6) / 6,
        Activation.GELU => x * NormalDistribution(x),
        Activation.Sigmoid => 1 / (1 + Math.Exp(-x)),
        _ => Math.Clamp(x + 3, 0, 6) / 6,
    };

    public static IEnumerable<object[]> Activations => Enum.GetValues<Activation>().Select(activation => new object[] { (int)activation });

    [TestMethod]
    [DynamicData(nameof(Activations))]
    public void AnActivationIsItsFormula(int which)
    {
        var activation = (Activation)which;
        var expected = s_inputs.Select(x => Naive(activation, x)).ToArray();
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            var given = tensor(s_inputs);
            var seen = given.alias();
            Fixture.AreClose(expected, activation.ApplyInPlace(given).Values(), 1e-12, $"{activation}");
            Fixture.AreClose(expected, seen.Values(), 1e-12, $"{activation}, in the same memory");
        }

        // Adding zero gives a tensor inside the graph, as in a network.
        var leaf = tensor(s_inputs, requires_grad: true);
        var output = activation.ApplyInPlace(leaf + 0);
        Fixture.AreClose(expected, output.Values(), 1e-12, $"{activation} in training");
        output.sum().backward();
        const double h = 1e-6;
        var slopes = s_inputs.Select(x => (Naive(activation, x + h) - Naive(activation, x - h)) / (2 * h)).ToArray();
        for (var i = 0; i < s_inputs.Length; i++)
        {
            if (s_inputs[i] != -3) // a kink
                Assert.AreEqual(slopes[i], leaf.grad!.Values()[i], 1e-8, $"slope of {activation} at {s_inputs[i]}");
        }
    }

    /// <summary>Outside any dispose scope, where the leak check sees every handle.</summary>
    [TestMethod]
    [DynamicData(nameof(Activations))]
    public void AnActivationTakesItsInputOverAndLeavesOneHandle(int which)
    {
        var before = Tensor.TotalCount;
        using var leaf = tensor(s_inputs, requires_grad: true);
        using (var trained = ((Activation)which).ApplyInPlace(leaf.clone()))
            Assert.IsTrue(trained.requires_grad);
        using var noGradients = no_grad();
        using var scored = ((Activation)which).ApplyInPlace(leaf.clone());
        Assert.AreEqual(before + 2, Tensor.TotalCount);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void SqueezeExcitationIsItsFormula(bool hard)
    {
        var (inner, gate) = hard ? (Activation.ReLU, Activation.Hardsigmoid) : (Activation.SiLU, Activation.Sigmoid);
        using var block = Formula.Made(ScalarType.Float64, () => new SqueezeExcitation(6, 3, inner, gate));
        var named = block.named_parameters().ToDictionary(pair => pair.name, pair => (Tensor)pair.parameter);
        CollectionAssert.AreEquivalent(
            new[] { "conv_reduce.weight", "conv_reduce.bias", "conv_expand.weight", "conv_expand.bias" }, named.Keys);
        foreach (var (name, tensor) in named)
            Formula.Fill(name, tensor);

        using var scope = NewDisposeScope();
        using var maps = Formula.Images(2, 4, 5, type: ScalarType.Float64).view(1, 6, 4, 5);
        var x = maps.Values();
        var (w1, b1, w2, b2) = (named["conv_reduce.weight"].Values(), named["conv_reduce.bias"].Values(),
            named["conv_expand.weight"].Values(), named["conv_expand.bias"].Values());
        var means = x.Chunk(20).Select(plane => plane.Average()).ToArray();
        var squeezed = b1.Select((b, s) => Naive(inner, b + Enumerable.Range(0, 6).Sum(c => w1[s * 6 + c] * means[c]))).ToArray();
        var gates = b2.Select((b, c) => Naive(gate, b + Enumerable.Range(0, 3).Sum(s => w2[c * 3 + s] * squeezed[s]))).ToArray();
        var expected = x.Select((value, i) => value * gates[i / 20]).ToArray();

        Fixture.AreClose(expected, block.ApplyInPlace(maps + 0).Values(), 1e-12, "in training");
        using (no_grad())
            Fixture.AreClose(expected, block.ApplyInPlace(maps + 0).Values(), 1e-12, "in scoring");
    }

    [TestMethod]
    public void LayerNormOfMapsNormalisesTheChannelsOfEachPixelWithoutLeavingTheirLayout()
    {
        using var norm = Formula.Made(ScalarType.Float64, () => new LayerNorm(3, 1e-3));
        Formula.Fill("norm.weight", norm.weight);
        Formula.Fill("norm.bias", norm.bias!);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var maps = Formula.Images(2, 4, 5, type: ScalarType.Float64);
        var x = maps.Values();
        var (w, b) = (norm.weight.Values(), norm.bias!.Values());
        var expected = new double[x.Length];
        for (var n = 0; n < 2; n++)
        {
            for (var pixel = 0; pixel < 20; pixel++)
            {
                var vector = Enumerable.Range(0, 3).Select(c => x[(n * 3 + c) * 20 + pixel]).ToArray();
                var mean = vector.Average();
                var deviation = Math.Sqrt(vector.Average(v => (v - mean) * (v - mean)) + 1e-3);
                for (var c = 0; c < 3; c++)
                    expected[(n * 3 + c) * 20 + pixel] = (vector[c] - mean) / deviation * w[c] + b[c];
            }
        }

        Fixture.AreClose(expected, norm.OfMaps(maps).Values(), 1e-12, "row-major");
        var result = norm.OfMaps(ChannelsLast.Of(maps));
        Fixture.AreClose(expected, result.Values(), 1e-12, "channels last");
        CollectionAssert.AreEqual(ChannelsLast.Of(maps).stride(), result.stride());
    }

    // Simpson's rule over the density.
    private static double NormalDistribution(double x)
    {
        const int steps = 2000;
        var h = x / steps;
        var sum = Enumerable.Range(0, steps + 1).Sum(i => (i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2) * Math.Exp(-i * h * i * h / 2));
        return 0.5 + sum * h / 3 / Math.Sqrt(2 * Math.PI);
    }
}
