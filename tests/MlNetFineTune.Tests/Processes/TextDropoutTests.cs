using MlNetFineTune.Networks;
using MlNetFineTune.Processes;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Processes;

/// <summary>A training step of texts with dropout in slices, whose paddings differ, is that of the whole batch.</summary>
[TestClass]
public sealed class TextDropoutTests
{
    private static readonly int[] s_rows = [5, 2, 9, 4, 7];
    private static readonly int[] s_lengths = [3, 7, 2, 5, 4];

    [TestMethod]
    [DataRow("bert", 2)]
    [DataRow("bert", 3)]
    [DataRow("distilbert", 4)]
    [DataRow("mpnet", 2)]
    [DataRow("modernbert", 3)]
    public void OutputsAndGradientsAreThoseOfTheWholeBatch(string kind, int size)
    {
        var folder = SmallTexts.CreateFolder(kind, dropout: 0.2);
        var expected = Step(folder, ProcessGroup.Single);
        var ranks = ThreadGroup.Run(size, group => Step(folder, group));

        Fixture.AreClose(expected["outputs"], [.. ranks.SelectMany(rank => rank["outputs"])], 1e-12, "outputs");
        foreach (var (name, values) in expected.Where(named => named.Key != "outputs"))
            Fixture.AreClose(values, [.. values.Select((_, i) => ranks.Sum(rank => rank[name][i]))], 1e-11, name);
    }

    [TestMethod]
    public void AnotherStepDropsOtherNumbersAndNothingIsDroppedWithoutDropout()
    {
        var (folder, plain) = (SmallTexts.CreateFolder("bert", dropout: 0.2), SmallTexts.CreateFolder("bert"));
        var first = Step(folder, ProcessGroup.Single)["outputs"];
        CollectionAssert.AreEqual(first, Step(folder, ProcessGroup.Single)["outputs"]);
        CollectionAssert.AreNotEqual(first, Step(folder, ProcessGroup.Single, step: 1)["outputs"]);
        Fixture.AreClose(
            Step(plain, ProcessGroup.Single, adapts: false)["outputs"],
            Step(plain, ProcessGroup.Single, step: 1, adapts: false)["outputs"], 0, "no dropout");
    }

    private static Dictionary<string, double[]> Step(string folder, ProcessGroup group, int step = 0, bool adapts = true)
    {
        using var scope = NewDisposeScope();
        using var network = Formula.Made(
            ScalarType.Float64, () => TextNetwork.CreateEmpty(TextBackbone.FromFolder(folder), features => new LinearHead(features, 3)));
        if (adapts)
        {
            var (name, layer) = network.AdaptableLayers()[0];
            network.Adapt(name, layer, Formula.Made(ScalarType.Float64, () => new LoraLayer(layer, rank: 2, alpha: 4, dropout: 0.3f)));
        }
        foreach (var (name, tensor) in network.NamedTensors())
            Formula.Fill(name, tensor);
        network.Processes = group;
        network.BeginTraining(0);
        int[] own = [.. Enumerable.Range(0, s_rows.Length).Take(Slice.Of(s_rows.Length, group))];
        var outputs = network.ForwardInTraining(Inputs(own), first: 0, seed: 1, step);
        outputs.mul(outputs).sum().backward();
        var seen = new Dictionary<string, double[]> { ["outputs"] = outputs.Values() };
        foreach (var (name, parameter) in network.NamedParameters())
        {
            if (parameter.grad is { } gradient)
                seen[name] = gradient.Values();
            parameter.grad = null;
        }
        return seen;
    }

    private static ModelInputs Inputs(int[] places)
    {
        var longest = places.Max(place => s_lengths[place]);
        var (ids, mask) = (new long[places.Length * longest], new bool[places.Length * longest]);
        foreach (var (row, place) in places.Index())
        {
            for (var token = 0; token < s_lengths[place]; token++)
                (ids[row * longest + token], mask[row * longest + token]) = (5 + (place * 3 + token) % 12, true);
        }
        long[] shape = [places.Length, longest];
        var beside = new Dictionary<string, Tensor>();
        if (mask.Contains(false))
            beside[TextInputNames.Mask] = tensor(mask, shape, ScalarType.Bool);
        return new ModelInputs(
            tensor(ids, shape, ScalarType.Int64), beside, new TrainingRows(Array.ConvertAll(places, place => s_rows[place])));
    }
}
