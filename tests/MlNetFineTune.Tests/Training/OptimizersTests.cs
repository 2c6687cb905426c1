using System.Globalization;
using System.Text.Json;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Tests.Training;

/// <summary>Every optimizer, with groups and decay, against twenty steps of PyTorch's, Lion against numpy's
/// (tools/reference/optimizers_fixture.py).</summary>
[TestClass]
public sealed class OptimizersTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("optimizers.json");

    public static IEnumerable<object[]> Runs => s_fixture.GetProperty("runs").EnumerateArray()
        .Select(run => new object[] { run.Text("optimizer") });

    [TestMethod]
    [DynamicData(nameof(Runs))]
    public void TwentyStepsAreTheReferences(string name)
    {
        var expected = RunOf(name);
        using var network = new SmallNetwork(ScalarType.Float64);
        using var state = Create(expected).CreateState(network.Groups);

        var losses = Enumerable.Range(0, 20).Select(step => network.Step(state, RateOf(expected, step))).ToArray();

        Fixture.AreClose(expected.GetProperty("losses").Numbers(), losses, 1e-9, $"loss of {name} at step");
        foreach (var (tensor, parameter) in network.Named)
            Fixture.AreClose(expected.GetProperty("tensors").GetProperty(tensor).Numbers(), parameter.Values(), 1e-9, $"{name}, {tensor}");
    }

    [TestMethod]
    [DynamicData(nameof(Runs))]
    public void AParameterOfAnotherTypeChangesNothingForTheOthers(string name)
    {
        var expected = RunOf(name);
        using var network = new SmallNetwork(ScalarType.Float64);
        using var single = Parameters.Of(ones(3));
        using var state = Create(expected).CreateState([new ParameterGroup([single], 1, Decays: true), .. network.Groups]);

        var losses = Enumerable.Range(0, 20).Select(step => network.Step(state, RateOf(expected, step))).ToArray();

        Fixture.AreClose(expected.GetProperty("losses").Numbers(), losses, 1e-9, $"loss of {name} at step");
    }

    [TestMethod]
    [DynamicData(nameof(Runs))]
    public void ARestoredStateGoesOnBitForBit(string name)
    {
        var expected = RunOf(name);
        using var network = new SmallNetwork(ScalarType.Float32);
        using var state = Create(expected).CreateState(network.Groups);
        using var other = new SmallNetwork(ScalarType.Float32);
        using var restored = Create(expected).CreateState(other.Groups);
        for (var step = 0; step < 7; step++)
            network.Step(state, RateOf(expected, step));

        Copy([.. network.Named.Select(named => named.Parameter)], [.. other.Named.Select(named => named.Parameter)]);
        Copy(state.Tensors, restored.Tensors);
        restored.StepsTaken = state.StepsTaken;

        Assert.AreEqual(7, state.StepsTaken);
        for (var step = 7; step < 12; step++)
            Assert.AreEqual(network.Step(state, RateOf(expected, step)), other.Step(restored, RateOf(expected, step)), $"step {step}");
        Same(state.Tensors, restored.Tensors);
        Same([.. network.Named.Select(named => named.Parameter)], [.. other.Named.Select(named => named.Parameter)]);
    }

    [TestMethod]
    [DynamicData(nameof(Runs))]
    public void AParameterWithoutAGradientStaysAsItIs(string name)
    {
        var expected = RunOf(name);
        using var network = new SmallNetwork(ScalarType.Float32);
        using var alone = Parameters.Of(ones(3));
        using var state = Create(expected).CreateState([new ParameterGroup([alone], 1, Decays: true), .. network.Groups]);

        network.Step(state, 0.1);

        CollectionAssert.AreEqual(new double[] { 1, 1, 1 }, alone.Values());
        Assert.AreEqual(1, state.StepsTaken);
    }

    [TestMethod]
    public void EachKeepsTheMemoryThatItNeeds()
    {
        using var network = new SmallNetwork(ScalarType.Float32);
        foreach (var (optimizer, memories) in new[]
        {
            (Optimizer.AdamW(), 2), (Optimizer.Adam(), 2), (Optimizer.Sgd(), 1), (Optimizer.Sgd(momentum: 0, nesterov: false), 0),
            (Optimizer.RmsProp(), 1), (Optimizer.RmsProp(momentum: 0.9f), 2), (Optimizer.RmsProp(momentum: 0.9f, centered: true), 3),
            (Optimizer.Lion(), 1),
        })
        {
            using var state = optimizer.CreateState(network.Groups);
            Assert.HasCount(4 * memories, state.Tensors, optimizer.ToString());
        }
    }

    [TestMethod]
    public void ACenteredRmsPropSurvivesGradientsThatNeverChange()
    {
        using var weight = Parameters.Of(ones(1000));
        using var state = Optimizer.RmsProp(smoothing: 0.5f, centered: true).CreateState([new ParameterGroup([weight], 1, Decays: false)]);
        using var gradient = linspace(0.001, 3, 1000);
        weight.grad = gradient;
        for (var step = 0; step < 50; step++)
            state.Step(1e-6);
        state.ZeroGradients();

        Assert.IsTrue(weight.Values().All(double.IsFinite));
    }

    [TestMethod]
    public void ValuesOutOfRangeAreRefused()
    {
        Refuses(() => Optimizer.Adam(weightDecay: float.NaN), "The weight decay must be 0 or above.");
        Refuses(() => Optimizer.Adam(beta1: 1), "beta1 must be at least 0 and below 1.");
        Refuses(() => Optimizer.Adam(epsilon: 0), "Epsilon must be above 0.");
        Refuses(() => Optimizer.RmsProp(smoothing: 1), "smoothing must be at least 0 and below 1.");
        Refuses(() => Optimizer.RmsProp(momentum: -1), "momentum must be at least 0 and below 1.");
        Refuses(() => Optimizer.RmsProp(epsilon: float.PositiveInfinity), "Epsilon must be above 0.");
        Refuses(() => Optimizer.Lion(beta2: float.NaN), "beta2 must be at least 0 and below 1.");
        Assert.AreEqual("Adam(weightDecay: 0, beta1: 0.9, beta2: 0.999, epsilon: 1E-08)", Optimizer.Adam().ToString());
        Assert.AreEqual("RmsProp(smoothing: 0.99, momentum: 0, weightDecay: 0, epsilon: 1E-08, centered: False)",
            Optimizer.RmsProp().ToString());
        Assert.AreEqual("Lion(weightDecay: 0.1, beta1: 0.9, beta2: 0.99)", Optimizer.Lion().ToString());
    }

    private static JsonElement RunOf(string name) => s_fixture.GetProperty("runs").EnumerateArray()
        .Single(run => run.Text("optimizer") == name);

    private static double RateOf(JsonElement run, int step) => run.Number("learningRate") * s_fixture.GetProperty("factors")[step]
        .GetDouble();

    private static Optimizer Create(JsonElement run)
    {
        var words = run.Text("optimizer").Split(' ');
        var decay = (float)run.Number("weightDecay");
        return words[0] switch
        {
            "AdamW" => Optimizer.AdamW(decay, Value("beta1", 0.9f), Value("beta2", 0.999f), Value("epsilon", 1e-8f)),
            "Adam" => Optimizer.Adam(decay, Value("beta1", 0.9f), Value("beta2", 0.999f), Value("epsilon", 1e-8f)),
            "Sgd" => Optimizer.Sgd(Value("momentum", 0), decay, words.Contains("nesterov")),
            "RmsProp" => Optimizer.RmsProp(
                Value("smoothing", 0.99f), Value("momentum", 0), decay, Value("epsilon", 1e-8f), words.Contains("centered")),
            _ => Optimizer.Lion(decay, Value("beta1", 0.9f), Value("beta2", 0.99f)),
        };

        float Value(string option, float otherwise) => words.Select(word => word.Split('='))
            .FirstOrDefault(word => word[0] == option) is [_, var value]
            ? float.Parse(value, CultureInfo.InvariantCulture)
            : otherwise;
    }

    private static void Copy(IReadOnlyList<Tensor> from, IReadOnlyList<Tensor> to)
    {
        using var noGradients = no_grad();
        foreach (var (source, target) in from.Zip(to))
            target.copy_(source);
    }

    private static void Same(IReadOnlyList<Tensor> expected, IReadOnlyList<Tensor> actual)
    {
        Assert.HasCount(expected.Count, actual);
        foreach (var (one, other) in expected.Zip(actual))
            CollectionAssert.AreEqual(one.Values(), other.Values());
    }

    private static void Refuses(Func<object> make, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make()).Message, message);

    /// <summary>Two layers, the first at half the rate; weights decay, biases do not.</summary>
    private sealed class SmallNetwork : IDisposable
    {
        private readonly Tensor _features;
        private readonly Tensor _labels;

        public SmallNetwork(ScalarType type)
        {
            using var scope = NewDisposeScope();
            Named =
                [.. new (string Name, long[] Shape)[]
                {
                    ("first.weight", [8, 6]), ("first.bias", [8]), ("last.weight", [3, 8]), ("last.bias", [3])
                }
                // a copy: memory of .NET's is aligned by chance, and the last bits of a product with it
                .Select(t => (t.Name, Parameters.Of(tensor(Formula.Values(t.Name, t.Shape), t.Shape).to(type, copy: true))))];
            Groups =
                [.. Named.Select(
                    named => new ParameterGroup([named.Parameter], named.Name.StartsWith("first", StringComparison.Ordinal) ? 0.5f : 1,
                    named.Parameter.ndim > 1))];
            _features = tensor(Enumerable.Range(0, 24 * 6).Select(j => (float)Math.Sin(0.37 * j + 0.05 * (j % 29))).ToArray(), [24, 6])
                .to(type, copy: true).DetachFromDisposeScope();
            _labels = tensor(Enumerable.Range(0, 24).Select(row => (long)(row % 3)).ToArray()).DetachFromDisposeScope();
        }

        public (string Name, Parameter Parameter)[] Named { get; }

        public ParameterGroup[] Groups { get; }

        /// <returns>The loss before the step.</returns>
        public double Step(OptimizerState optimizer, double learningRate)
        {
            using var scope = NewDisposeScope();
            var p = Array.ConvertAll(Named, named => named.Parameter);
            var outputs = nn.functional.linear(nn.functional.linear(_features, p[0], p[1]).tanh(), p[2], p[3]);
            var loss = nn.functional.cross_entropy(outputs, _labels);
            loss.backward();
            optimizer.Step(learningRate);
            optimizer.ZeroGradients();
            return loss.Values()[0];
        }

        public void Dispose()
        {
            foreach (var (_, parameter) in Named)
                parameter.Dispose();
            _features.Dispose();
            _labels.Dispose();
        }
    }
}
