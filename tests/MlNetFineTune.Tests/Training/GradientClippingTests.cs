using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Tests.Training;

/// <summary>Each kind of clipping against PyTorch's and, the adaptive one, numpy's numbers (tools/reference/clipping_fixture.py).</summary>
[TestClass]
public sealed class GradientClippingTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("clipping.json");

    public static IEnumerable<object[]> Cases => Enumerable.Range(0, s_fixture.GetProperty("cases").GetArrayLength())
        .Select(index => new object[] { index });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ClippedGradientsAreTheReferences(int index)
    {
        var expected = s_fixture.GetProperty("cases")[index];
        var value = (float)expected.Number("value");
        var clipping = expected.Text("clipping") switch
        {
            "Norm" => GradientClipping.Norm(value),
            "Value" => GradientClipping.Value(value),
            _ => GradientClipping.Adaptive(value),
        };

        Clip(clipping, (name, gradient) =>
            Fixture.AreClose(expected.GetProperty("gradients").GetProperty(name).Numbers(), gradient, 1e-9, $"{clipping}, {name}"));
    }

    [TestMethod]
    public void NoClippingKeepsEveryBit() =>
        Clip(GradientClipping.None, (name, gradient) => CollectionAssert.AreEqual(
            s_fixture.GetProperty("parameters").GetProperty(name).GetProperty("gradient").Numbers(), gradient));

    [TestMethod]
    public void ParametersWithoutGradientsAreNoMatter()
    {
        using var alone = Parameters.Of(ones(3));
        foreach (var clipping in new[]
        {
            GradientClipping.None, GradientClipping.Norm(1), GradientClipping.Value(1), GradientClipping.Adaptive()
        })
            clipping.Clip([alone], []);
        CollectionAssert.AreEqual(new double[] { 1, 1, 1 }, alone.Values());
    }

    [TestMethod]
    public void ATrainingClips()
    {
        // One step of plain descent moves the weights by the rate times the gradient, so by no more than the rate times the largest norm.
        var ml = new MLContext(seed: 1);
        var view = SmallModules.View(ml, TableRow.Many(32));
        var options = SmallModules.Multiclass with
        {
            Epochs = 1,
            BatchSize = 32,
            LearningRate = 0.5f,
            Validation = ValidationData.None,
            Schedule = LearningRateSchedule.Constant(),
            Optimizer = Optimizer.Sgd(momentum: 0, weightDecay: 0, nesterov: false),
        };
        var start = Weights(options with { LearningRate = 1e-20f });

        Assert.AreEqual(0.5 * 0.01, Moved(GradientClipping.Norm(0.01f)), 1e-6);
        Assert.IsLessThanOrEqualTo(0.5 * 0.001 * Math.Sqrt(start.Length), Moved(GradientClipping.Value(0.001f)));
        Assert.IsGreaterThan(0.02, Moved(GradientClipping.None));
        Assert.IsGreaterThan(0.005, Moved(GradientClipping.Adaptive(1e-6f)), "the head is left out");
        Assert.IsLessThan(Moved(GradientClipping.None), Moved(GradientClipping.Adaptive(1e-6f)));

        double Moved(GradientClipping clipping) =>
            Math.Sqrt(Weights(options with { GradientClipping = clipping }).Zip(start, (a, b) => (a - b) * (a - b)).Sum());

        double[] Weights(ModuleFineTuningOptions trained)
        {
            using var model = ml.MulticlassClassification.Trainers.FineTuneModule(trained).Fit(view);
            double[] weights = [];
            model.Scorer.Read(network => weights = [.. network.NamedTensors().SelectMany(named => named.Tensor.Values())]);
            return weights;
        }
    }

    [TestMethod]
    public void ValuesOutOfRangeAndContradictionsAreRefused()
    {
        foreach (var value in new[] { 0, -1, float.NaN, float.PositiveInfinity })
        {
            Refuses(() => GradientClipping.Norm(value), "largest must be above 0");
            Refuses(() => GradientClipping.Value(value), "largest must be above 0");
            Refuses(() => GradientClipping.Adaptive(value), "factor must be above 0");
        }
        CollectionAssert.AreEqual(new[] { "None", "Norm(1.5)", "Value(0.5)", "Adaptive(0.01)" },
            new[] { GradientClipping.None, GradientClipping.Norm(1.5f), GradientClipping.Value(0.5f), GradientClipping.Adaptive() }
                .Select(c => c.ToString()).ToArray());
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
            () => new MLContext().MulticlassClassification.Trainers.FineTuneImages(
            SmallTraining.Options with { Strategy = Strategy.HeadOnly, GradientClipping = GradientClipping.Adaptive() })).Message,
                "leaves the head out");
    }

    private static void Clip(GradientClipping clipping, Action<string, double[]> verify)
    {
        var parameters = s_fixture.GetProperty("parameters").EnumerateObject()
            .Select(property => (property.Name, Parameter: Create(property.Value))).ToArray();
        var groups = parameters.ToLookup(named => named.Name.StartsWith("head", StringComparison.Ordinal), named => named.Parameter);
        clipping.Clip([.. groups[false]], [.. groups[true]]);
        foreach (var (name, parameter) in parameters)
        {
            using var gradient = parameter.grad!;
            verify(name, gradient.Values());
            parameter.grad = null;
            parameter.Dispose();
        }
    }

    private static Parameter Create(JsonElement values)
    {
        using var scope = NewDisposeScope();
        long[] shape = [.. values.GetProperty("shape").Numbers().Select(size => (long)size)];
        var parameter = Parameters.Of(tensor(values.GetProperty("values").Numbers(), shape));
        parameter.grad = tensor(values.GetProperty("gradient").Numbers(), shape);
        return parameter;
    }

    private static void Refuses(Func<object> make, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make()).Message, message);
}
