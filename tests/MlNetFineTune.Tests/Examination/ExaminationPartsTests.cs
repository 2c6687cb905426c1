using System.Numerics;
using MlNetFineTune.Examination;
using MlNetFineTune.Primitives;
using MlNetFineTune.Search;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Examination;

/// <summary>The parts of an examination against slow and simple twins.</summary>
[TestClass]
public sealed class ExaminationPartsTests
{
    [TestMethod]
    [DataRow(0.65f)]
    [DataRow(0.8f)]
    public void AllSimilarPairsAreFoundOnceForAnyNumberOfThreads(float least)
    {
        const int Rows = 700, Dimension = 900; // three blocks of vectors
        var random = new Random(1);
        var (vectors, hashes) = (new UnitVectors(Dimension), new ulong[Rows]);
        for (var row = 0; row < Rows; row++)
        {
            var near = row >= 600 ? vectors[row - 600].ToArray() : new float[Dimension];
            var noise = row >= 600 ? 0.02f : 1;
            float[] values = [.. near.Select(value => value + noise * (random.NextSingle() - 0.5f))];
            Assert.IsTrue(UnitVectors.TryNormalize(values, vectors.Append()));
            hashes[row] = row >= 600 ? hashes[row - 600] ^ (1UL << random.Next(64)) ^ (1UL << random.Next(64))
                : (ulong)random.NextInt64(long.MinValue, long.MaxValue);
        }
        var expected = new HashSet<(int, int)>();
        for (var first = 0; first < Rows; first++)
        {
            for (var second = first + 1; second < Rows; second++)
            {
                var dot = 0.0;
                for (var i = 0; i < Dimension; i++)
                    dot += vectors[first][i] * vectors[second][i];
                if ((dot + 1 - BitOperations.PopCount(hashes[first] ^ hashes[second]) / 32.0) / 2 >= least)
                    expected.Add((first, second));
            }
        }
        Assert.IsGreaterThanOrEqualTo(100, expected.Count);

        foreach (var workers in (int[])[1, 3])
        {
            var (found, compared) = (new List<(int, int)>(), 0);
            SimilarPairs.Find(vectors, hashes, least, workers, (first, second, _) =>
            {
                lock (found)
                    found.Add((first, second));
            }, count => Interlocked.Add(ref compared, count), CancellationToken.None);
            CollectionAssert.AreEquivalent(expected.ToList(), found);
            Assert.AreEqual(Rows, compared);
        }
    }

    // By hand: thresholds 0.7 and 0.6. Row 2 reaches only class 1; row 3 no class; row 4 both, and class 0 is more probable.
    [TestMethod]
    public void TheConfidentJointIsThatOfThePaper()
    {
        int[] labels = [0, 0, 0, 0, 1, 1];
        float[] probabilities = [0.95f, 0.05f, 0.85f, 0.15f, 0.35f, 0.65f, 0.65f, 0.35f, 0.4f, 0.6f, 0.4f, 0.6f];

        CollectionAssert.AreEqual((int[])[-1, -1, 1, -1, -1, -1], ConfidentLearning.SuggestedLabels(probabilities, labels, 2));

        float[] both = [0.9f, 0.9f, 0.5f, 0.9f, 0.95f, 0.91f]; // not normalised: row 2 is of both classes
        CollectionAssert.AreEqual((int[])[-1, -1, 0], ConfidentLearning.SuggestedLabels(both, [0, 1, 1], 2));
    }

    // At the optimum the gradient is 0, whatever the way there.
    [TestMethod]
    public void TheLinearModelIsAtItsOptimum()
    {
        const int Rows = 80, Features = 6, Classes = 3;
        const double Penalty = 0.01;
        var random = new Random(1);
        var labels = Enumerable.Range(0, Rows).Select(_ => random.Next(Classes)).ToArray();
        var values = new float[Rows, Features + 1];
        for (var row = 0; row < Rows; row++)
        {
            for (var i = 0; i < Features; i++)
                values[row, i] = (i == labels[row] ? 0.7f : 0) + random.NextSingle();
            values[row, Features] = 1;
        }
        int[] heldOut = [.. Enumerable.Range(60, 20)];
        using var model = new SoftmaxRegression(tensor(values, ScalarType.Float32), labels, Classes, Penalty);

        var scores = model.ScoreHeldOut(heldOut, CancellationToken.None);

        var expected = Descend();
        Assert.HasCount(20 * Classes, scores);
        for (var i = 0; i < scores.Length; i++)
            Assert.AreEqual(expected[i], scores[i], 2e-3);

        // Plain gradient descent in doubles, many small steps.
        double[] Descend()
        {
            var weights = new double[Features + 1, Classes];
            for (var step = 0; step < 20_000; step++)
            {
                var gradient = new double[Features + 1, Classes];
                for (var row = 0; row < 60; row++)
                {
                    var p = Softmax(weights, row);
                    for (var c = 0; c < Classes; c++)
                    {
                        for (var i = 0; i <= Features; i++)
                            gradient[i, c] += (p[c] - (labels[row] == c ? 1 : 0)) * values[row, i] / 60;
                    }
                }
                for (var i = 0; i <= Features; i++)
                {
                    for (var c = 0; c < Classes; c++)
                        weights[i, c] -= 0.5 * (gradient[i, c] + (i < Features ? Penalty : 1e-6) * weights[i, c]);
                }
            }
            return [.. heldOut.SelectMany(row => Softmax(weights, row))];
        }

        double[] Softmax(double[,] weights, int row)
        {
            double[] scores = [.. Enumerable.Range(0, Classes)
                .Select(c => Math.Exp(Enumerable.Range(0, Features + 1).Sum(i => values[row, i] * weights[i, c])))];
            return [.. scores.Select(score => score / scores.Sum())];
        }
    }

    [TestMethod]
    public void FoldsAreStratifiedAndKeepGroupsTogether()
    {
        int[] labels = [.. Enumerable.Range(0, 103).Select(row => row % 3 == 0 ? 0 : 1)];
        int[] groups = [.. Enumerable.Range(0, 103).Select(row => row < 12 ? row / 4 * 4 : row)];

        var folds = OutOfFold.Divide(labels, groups, 5, seed: 1);

        CollectionAssert.AreEquivalent(Enumerable.Range(0, 103).ToArray(), folds.SelectMany(fold => fold).ToArray());
        var foldOf = folds.Index().SelectMany(fold => fold.Item.Select(row => (row, fold.Index))).ToDictionary();
        Assert.IsTrue(Enumerable.Range(0, 103).All(row => foldOf[row] == foldOf[groups[row]]));
        foreach (var fold in folds)
            Assert.AreEqual(35 / 5.0, fold.Count(row => labels[row] == 0), 4);
        CollectionAssert.AreEqual(folds[0], OutOfFold.Divide(labels, groups, 5, seed: 1)[0]);
        CollectionAssert.AreNotEqual(folds[0], OutOfFold.Divide(labels, groups, 5, seed: 2)[0]);
    }

    // The transform as its definition, for one picture of random grey levels.
    [TestMethod]
    public void TheHashIsOfTheSignsOfTheLowestFrequencies()
    {
        var random = new Random(1);
        var grey = new byte[64 * 64];
        random.NextBytes(grey);
        var spectrum = new double[64];
        for (var v = 0; v < 8; v++)
        {
            for (var u = 0; u < 8; u++)
            {
                for (var y = 0; y < 64; y++)
                {
                    for (var x = 0; x < 64; x++)
                        spectrum[v * 8 + u] += grey[y * 64 + x] * Cosine(u, x / 2) * Cosine(v, y / 2);
                }
            }
        }
        spectrum[0] = 0;
        var median = spectrum.Skip(1).Order().ElementAt(31);

        var hash = PerceptualHash.Of(grey, 64);

        for (var i = 0; i < 64; i++)
            Assert.AreEqual(spectrum[i] > median, (hash >> i & 1) == 1, $"bit {i}");

        static double Cosine(int frequency, int place) => Math.Cos(Math.PI * frequency * (2 * place + 1) / 64);
    }

    [TestMethod]
    public void SetsAreNamedByTheirSmallestNumber()
    {
        var sets = new UnionFind(6);
        sets.Union(4, 5);
        sets.Union(2, 4);
        sets.Union(5, 4);

        CollectionAssert.AreEqual((int[])[0, 1, 2, 3, 2, 2], Enumerable.Range(0, 6).Select(sets.Find).ToArray());
    }
}
