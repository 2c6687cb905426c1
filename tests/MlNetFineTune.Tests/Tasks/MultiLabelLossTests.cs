using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

[TestClass]
public sealed class MultiLabelLossTests
{
    public static IEnumerable<object[]> Cases => [[0, "without weights"], [1, "with positive weights"]];

    /// <summary>PyTorch's values and gradients (tools/reference/tasks_fixture.py), in doubles.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ValuesAndGradientsAreTheReferences(int index, string what)
    {
        using var scope = NewDisposeScope();
        var expected = Fixture.Read("tasks.json").GetProperty("multiLabel")[index];
        var logits = tensor(Formula.Values("tasks.logits", [5, 4]), [5, 4]).to_type(ScalarType.Float64).mul_(2).requires_grad_();
        var labels = tensor(LossFixture.Floats(expected.GetProperty("labels")), [5, 4]);
        var weights = index == 0 ? null : tensor(LossFixture.Floats(expected.GetProperty("positiveWeights")));

        var each = MultiLabelLoss.OfEach(logits, labels, weights);
        each.mean().backward();

        Fixture.AreClose(expected.GetProperty("each").Numbers(), each.Values(), 1e-10, what);
        Fixture.AreClose(expected.GetProperty("gradient").Numbers(), logits.grad!.Values(), 1e-10, $"gradient {what}");
        logits.grad = null;
    }

    [TestMethod]
    public void CertainAndWrongLogitsHaveFiniteLosses()
    {
        using var scope = NewDisposeScope();
        var each = MultiLabelLoss.OfEach(tensor(new float[] { 500, -500, 500, -500 }, [2, 2]), tensor(new float[] { 0, 1, 1, 0 }, [2, 2]));
        Fixture.AreClose([500, 0], each.Values(), 1e-4, "loss");
    }

    [TestMethod]
    public void BalancedWeightsAreTheRowsWithoutALabelOverThoseWithIt()
    {
        string[] names = ["rare", "half", "frequent", "never", "always", "very rare"];
        double[] positives = [10, 500, 900, 0, 1000, 1];
        CollectionAssert.AreEqual(
            new[] { 99, 1, 100f / 900, 1, 1, 100 }, PositiveWeights.Balanced().Resolve(names, positives, 1000));
        CollectionAssert.AreEqual(
            new[] { 20, 1, 0.5f, 1, 1, 20 }, PositiveWeights.Balanced(0.5f, 20).Resolve(names, positives, 1000));
        CollectionAssert.AreEqual(new[] { 1f, 1 }, PositiveWeights.Balanced().Resolve(["a", "b"], [0, 0], 0)); // no rows
        Assert.IsNull(PositiveWeights.None.Resolve(names, positives, 1000));
    }

    /// <summary>As <c>pos_weight</c> it makes the positive and the negative rows of a label weigh alike.</summary>
    [TestMethod]
    public void BalancedWeightsMakeBothKindsOfRowsWeighAlike()
    {
        using var scope = NewDisposeScope();
        var labels = tensor(new float[] { 1, 0, 0, 0, 0 }, [5, 1]);
        var weights = tensor(PositiveWeights.Balanced().Resolve(["a"], [1], 5)!);
        var each = MultiLabelLoss.OfEach(zeros(5, 1, ScalarType.Float32), labels, weights).Values();
        Assert.AreEqual(each[0], each[1..].Sum(), 1e-5);
    }

    [TestMethod]
    public void WeightsByNameAndByOrder()
    {
        CollectionAssert.AreEqual(new[] { 1f, 3, 1 }, PositiveWeights.Of(("b", 3)).Resolve(["a", "b", "c"], [1, 1, 1], 3));
        CollectionAssert.AreEqual(new[] { 2f, 3 }, PositiveWeights.Of(2, 3).Resolve(["a", "b"], [1, 1], 3));
        Assert.AreEqual(PositiveWeights.Of(2, 3), PositiveWeights.Of(2, 3));
        Assert.AreEqual(PositiveWeights.Of(("a", 2), ("b", 3)), PositiveWeights.Of(("b", 3), ("a", 2)));
        Assert.AreNotEqual(PositiveWeights.Of(("a", 2)), PositiveWeights.Of(("a", 3)));
        var (byName, byOrder) = (PositiveWeights.Of(("b", 2), ("a", 1.5f)), PositiveWeights.Of(1.5f, 2));
        Culture.Each(_ => CollectionAssert.AreEqual(
            new[] { "None", "Balanced(0.5 to 20)", "Of(a: 1.5, b: 2)", "Of(1.5, 2)" },
            new[] { $"{PositiveWeights.None}", $"{PositiveWeights.Balanced(0.5f, 20)}", $"{byName}", $"{byOrder}" }));
        foreach (var weights in (PositiveWeights[])[PositiveWeights.Balanced(0.5f), byName, byOrder])
            Assert.AreEqual(CanonicalJson.Of(weights), Culture.In("de-DE", () => CanonicalJson.Of(weights)));
    }

    [TestMethod]
    public void WeightsOfOtherLabelsAndWeightsThatAreNoneAreRefused()
    {
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => PositiveWeights.Of(("x", 3)).Resolve(["a", "b"], [1, 1], 3));
        StringAssert.Contains(error.Message, "names labels that the data do not have: x. They have: a, b.");
        error = Assert.ThrowsExactly<InvalidOperationException>(() => PositiveWeights.Of(2, 3, 4).Resolve(["a", "b"], [1, 1], 3));
        StringAssert.Contains(error.Message, "has 3 weights for 2 labels (a, b)");
        foreach (var weight in new[] { 0, -1, float.NaN, float.PositiveInfinity })
        {
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => PositiveWeights.Of(weight));
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => PositiveWeights.Of(("a", weight)));
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => PositiveWeights.Balanced(weight));
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => PositiveWeights.Balanced(0.5f, weight));
        }
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => PositiveWeights.Balanced(2, 1));
        Assert.ThrowsExactly<ArgumentException>(() => PositiveWeights.Of(("a", 1), ("a", 2)));
    }
}
