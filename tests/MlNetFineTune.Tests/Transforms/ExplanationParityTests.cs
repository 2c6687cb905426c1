using System.Text.Json;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>Maps against PyTorch's (tools/reference/explanations_fixture.py), in doubles.</summary>
[TestClass]
public sealed class ExplanationParityTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("explanations.json");

    public static IEnumerable<object[]> GradCams => Cases("gradCam");

    public static IEnumerable<object[]> Rollouts => Cases("rollout");

    [TestMethod]
    [DynamicData(nameof(GradCams))]
    public void GradCamIsPyTorchs(int index, string what)
    {
        using var scope = NewDisposeScope();
        var expected = s_fixture.GetProperty("gradCam")[index];
        using var network = NetworkOf(expected.Text("network"));
        var pixels = Formula.Images(2, 64, 64, type: ScalarType.Float64);
        int? place = expected.GetProperty("index").ValueKind == JsonValueKind.Null ? null : (int)expected.Number("index");

        var maps = Run(network, Explanation.GradCam(expected.Text("stage")), pixels, place, out var method);

        CollectionAssert.AreEqual(expected.GetProperty("shape").Numbers().Select(size => (long)size).ToArray(), maps.shape);
        Assert.AreEqual(((int)maps.shape[1], (int)maps.shape[2]), (method.Height, method.Width));
        Fixture.AreClose(expected.GetProperty("maps").Numbers(), maps.Values(), 1e-8, what);
        if (what.EndsWith("layer3 -1", StringComparison.Ordinal)) // the last one, if none is named
            CollectionAssert.AreEqual(maps.Values(), Run(network, Explanation.GradCam(), pixels, place, out _).Values());
    }

    [TestMethod]
    public void GradCamOfTheFoldedNetworkIsTheSameButForRounding()
    {
        using var scope = NewDisposeScope();
        var expected = s_fixture.GetProperty("gradCam")[0];
        using var network = Formula.Classifier("micro", 1, "symmetric", 1e-5);
        network.PrepareForScoring();

        var maps = Run(network, Explanation.GradCam(), Formula.Images(2, 64, 64), place: null, out _);

        Fixture.AreClose(expected.GetProperty("maps").Numbers(), maps.Values(), 1e-5, "map");
    }

    [TestMethod]
    public void IntegratedGradientsArePyTorchsAndAddUpToTheDifference()
    {
        using var scope = NewDisposeScope();
        var expected = s_fixture.GetProperty("integratedGradients");
        using var network = NetworkOf("micro");
        var pixels = Formula.Images(2, 32, 32, type: ScalarType.Float64);
        float[] baseline = [.. expected.GetProperty("baseline").Numbers().Select(number => (float)number)];

        var method = new IntegratedGradients.Method((int)expected.Number("steps"), baseline, size: 32, OutputOf(place: null));
        InputGradient.PrepareNetwork(network);
        Tensor MapsOf(int steps)
        {
            using var noGradients = no_grad();
            return method.WithSteps(steps).MapsOf(network, pixels);
        }
        var shares = MapsOf((int)expected.Number("steps"));
        var fine = MapsOf(300).sum([1, 2]).Values();

        Fixture.AreClose(expected.GetProperty("shares").Numbers(), shares.Values(), 1e-8, "share");
        Fixture.AreClose(expected.GetProperty("sums").Numbers(), shares.sum([1, 2]).Values(), 1e-8, "sum");
        Fixture.AreClose(expected.GetProperty("fine").Numbers(), fine, 1e-8, "sum of 300 steps");
        // Completeness, section 3 of the paper: what is left is the error of a sum in the place of an integral.
        Fixture.AreClose(expected.GetProperty("difference").Numbers(), fine, 2e-3, "difference of the outputs");
    }

    [TestMethod]
    [DynamicData(nameof(Rollouts))]
    public void AttentionRolloutIsPyTorchs(int index, string what)
    {
        using var scope = NewDisposeScope();
        var expected = s_fixture.GetProperty("rollout")[index];
        var size = (int)expected.Number("size");
        using var network = NetworkOf(expected.Text("network"), epsilon: 1e-6);

        var maps = Run(
            network, Explanation.AttentionRollout(), Formula.Images(2, size, size, type: ScalarType.Float64), place: null, out var method);

        Assert.AreEqual((int)expected.Number("side"), method.Height);
        Fixture.AreClose(expected.GetProperty("maps").Numbers(), maps.Values(), 1e-8, what);
    }

    // The gradient that Grad-CAM uses, by differences of the output.
    [TestMethod]
    public void TheGradientIsThatOfTheChosenOutput()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var network = NetworkOf("micro");
        InputGradient.PrepareNetwork(network);
        var maps = network.ForwardMaps(Formula.Images(2, 32, 32, type: ScalarType.Float64), stage: 2);
        var output = OutputOf(place: 7);

        var gradient = InputGradient.Of(maps, point => network.ForwardFromMaps(point, stage: 2), output, choices: null);

        var direction = maps.cos(); // any
        double At(double factor)
        {
            using var outputs = network.ForwardFromMaps(maps + direction * factor, stage: 2);
            return outputs.select(1, 7).sum().item<double>();
        }
        Assert.AreEqual((At(1e-5) - At(-1e-5)) / 2e-5, gradient.mul(direction).sum().item<double>(), 1e-6);
        Assert.IsTrue(network.NamedParameters().All(named => named.Parameter.grad is null));
    }

    private static IEnumerable<object[]> Cases(string name) =>
        s_fixture.GetProperty(name).EnumerateArray().Select((one, index) => new object[]
        {
            index, name == "rollout" ? one.Text("network") : $"{one.Text("network")} {one.Text("stage")} "
                + $"{(one.GetProperty("index").ValueKind == JsonValueKind.Null ? -1 : one.Number("index"))}",
        });

    private static ImageNetwork NetworkOf(string name, double epsilon = 1e-5)
    {
        var network = Formula.Classifier(name, 1, "symmetric", epsilon, ScalarType.Float64);
        network.Backbone.eval(); // not folded, which is in single precision
        return network;
    }

    private static ExplainedOutput OutputOf(int? place) => new(new Evidence([], outputs => outputs.alias()), place);

    private static Tensor Run(ImageNetwork network, Explanation explanation, Tensor pixels, int? place, out HeatMapMethod method)
    {
        using var noGradients = no_grad();
        InputGradient.PrepareNetwork(network);
        method = explanation.Bind(network, new PictureForm(network.Definition.Preprocessing, 3), pixels, OutputOf(place));
        return method.MapsOf(network, pixels);
    }
}
