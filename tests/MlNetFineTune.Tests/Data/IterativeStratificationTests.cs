using MlNetFineTune.Data;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class IterativeStratificationTests
{
    [TestMethod]
    public void EveryLabelGivesItsShareAndEveryRowGoesOneWay()
    {
        bool[][] rows = [.. RandomRows(400, [0.5, 0.2, 0.05, 0.01])];
        var (training, validation) = Split(rows, 0.2f, seed: 1);

        CollectionAssert.AreEqual(Enumerable.Range(0, rows.Length).ToArray(), training.Concat(validation).Order().ToArray());
        CollectionAssert.AreEqual(training.Order().ToArray(), training);
        CollectionAssert.AreEqual(validation.Order().ToArray(), validation);
        Assert.IsInRange(76, 84, validation.Length);
        for (var label = 0; label < 4; label++)
        {
            var (all, chosen) = (rows.Count(row => row[label]), validation.Count(row => rows[row][label]));
            Assert.AreEqual(Math.Clamp(Math.Round(all * 0.2), 1, all - 1), chosen, 1, $"label {label}, {all} rows");
        }
        var without = rows.Count(row => !row.Contains(true));
        Assert.AreEqual(Math.Round(without * 0.2), validation.Count(row => !rows[row].Contains(true)), 1, "rows without labels");

        CollectionAssert.AreEqual(validation, Split(rows, 0.2f, seed: 1).Validation);
        CollectionAssert.AreNotEqual(validation, Split(rows, 0.2f, seed: 2).Validation);
    }

    /// <summary>Ten splits of labels with two to five rows among 300: each is on both sides, which chance does not give.</summary>
    [TestMethod]
    public void RareLabelsAreOnBothSides()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            bool[][] rows = [.. RandomRows(300, [0.6, 0.3, 0, 0, 0, 0], seed)];
            var random = new Random(100 + seed);
            for (var rare = 2; rare < 6; rare++)
            {
                for (var i = 0; i < rare; i++)
                    rows[random.Next(rows.Length)][rare] = true;
            }
            var (training, validation) = Split(rows, 0.2f, seed);
            for (var rare = 2; rare < 6; rare++)
            {
                if (rows.Count(row => row[rare]) < 2)
                    continue;
                Assert.Contains(row => rows[row][rare], validation, $"label {rare}, seed {seed}");
                Assert.Contains(row => rows[row][rare], training, $"label {rare}, seed {seed}");
            }
        }
    }

    /// <summary>
    /// A stratum for each row's rarest label would leave the first label out of validation: its rows but one have a label of their own.
    /// </summary>
    [TestMethod]
    public void ALabelWhoseRowsHaveRarerOnesIsOnBothSides()
    {
        bool[][] rows = [.. Enumerable.Range(0, 5).Select(row => (bool[])[true, .. Enumerable.Range(0, 4).Select(label => label == row)])];
        var (training, validation) = Split(rows, 0.2f, seed: 3);
        CollectionAssert.AreEqual(new[] { 4 }, validation, "the one row that no other label wants in training");
        Assert.HasCount(4, training);
    }

    [TestMethod]
    public void RowsOfAGroupStayTogetherAndTheSharesAreNear()
    {
        bool[][] rows = [.. RandomRows(600, [0.5, 0.2])];
        var groups = Enumerable.Range(0, 600).Select(row => $"part {row / 6}").ToArray();
        var (training, validation) = IterativeStratification.Split([.. rows.SelectMany(row => row)], 2, groups, 0.2f, seed: 5);
        Assert.IsEmpty(training.Select(row => groups[row]).Intersect(validation.Select(row => groups[row])).ToArray());
        for (var label = 0; label < 2; label++)
            Assert.AreEqual(rows.Count(row => row[label]) * 0.2, validation.Count(row => rows[row][label]), 6, $"label {label}");
    }

    [TestMethod]
    public void ALabelOfOneRowTrainsAndRowsWithoutLabelsAreParted()
    {
        bool[][] rows = [[true], [false], [false]];
        var (training, validation) = Split(rows, 0.5f, seed: 1);
        CollectionAssert.Contains(training, 0);
        Assert.HasCount(1, validation);
    }

    private static (int[] Training, int[] Validation) Split(bool[][] rows, float share, long seed) =>
        IterativeStratification.Split([.. rows.SelectMany(row => row)], rows[0].Length, groups: null, share, seed);

    private static IEnumerable<bool[]> RandomRows(int count, double[] shares, int seed = 1)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, count).Select(_ => shares.Select(share => random.NextDouble() < share).ToArray());
    }
}
