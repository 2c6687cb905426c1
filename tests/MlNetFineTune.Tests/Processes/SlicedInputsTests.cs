using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Processes;

/// <summary>What several processes read of batches is together what one process reads, bit for bit.</summary>
[TestClass]
public sealed class SlicedInputsTests
{
    // The last has fewer rows than four processes.
    private static readonly int[][] s_batches = [[3, 1, 4, 7, 2, 0, 11], [5, 9, 6, 8, 5], [10, 1, 9]];

    private static readonly Augmentation s_mixed = Augmentation.Sequence(
        Augmentation.RandomResizedCrop(), Augmentation.RandomErasing(0.7f, noise: true), Augmentation.MixUp(1), Augmentation.CutMix());

    /// <summary>What a process received of a batch.</summary>
    private sealed record Seen(
        int Batch, int GlobalRows, int[] Rows, bool[]? Counts, float[] Pixels, float[] Labels, long PlaceholderRows);

    [TestMethod]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(4)]
    public void PixelsAndMixedLabelsAreThoseOfOneProcess(int size)
    {
        var expected = Read(ProcessGroup.Single, s_mixed);
        var ranks = ThreadGroup.Run(size, group => Read(group, s_mixed));

        AssertTogether(expected, ranks);
        Assert.IsTrue(expected.All(batch => batch.Labels.Any(label => label is > 0 and < 1)), "labels are mixed");
        var last = ranks.Select(rank => rank[^1]).ToList();
        Assert.AreEqual(Math.Max(size - 3, 0), last.Count(batch => batch.Rows.Length == 0));
        foreach (var empty in last.Where(batch => batch.Rows.Length == 0))
            Assert.AreEqual(1, empty.PlaceholderRows, "BatchNorm needs all processes");
    }

    [TestMethod]
    public void ARowThatCannotBeReadIsMixedWithNoOther()
    {
        // Row 4 is in the slice of the first of two processes, row 9 in both batches' second slices; the third batch has no other row.
        int[] bad = [4, 9];
        int[][] batches = [[3, 1, 4, 7, 2, 0, 11], [5, 9, 6, 8], [9, 4], [10, 9]];
        var expected = Read(ProcessGroup.Single, s_mixed, batches, bad);
        CollectionAssert.AreEqual(new[] { 0, 1, 3 }, expected.Select(batch => batch.Batch).ToArray());
        foreach (var size in (int[])[2, 3, 4])
        {
            var ranks = ThreadGroup.Run(size, group => Read(group, s_mixed, batches, bad));
            AssertTogether(expected, ranks);
            Assert.IsTrue(ranks.All(rank => rank[^1].GlobalRows == 1), "so that all leave it out where it cannot be trained");
        }
    }

    [TestMethod]
    public void CachedFeaturesAreSlicedToo()
    {
        var expected = ReadCached(ProcessGroup.Single);
        var ranks = ThreadGroup.Run(4, ReadCached);
        AssertTogether(expected, ranks);
        Assert.AreEqual(1, ranks.Count(rank => rank[^1].Rows.Length == 0));
    }

    [TestMethod]
    public void BothRowsOfAPairAreInOneSliceAndEachRowCountsOnce()
    {
        RowPair[] pairs = [new(0, 1, true), new(2, 3, false), new(1, 4, true), new(5, 0, false), new(4, 2, true)];
        int[] batch = [.. pairs.SelectMany(pair => new[] { pair.First, pair.Second }).Distinct()];
        foreach (var size in (int[])[2, 3, 4, 7])
        {
            var ranks = ThreadGroup.Run(size, group => Read(group, Augmentation.None, [batch], pairs: [pairs]).Single());

            var next = 0;
            foreach (var rank in ranks)
            {
                Assert.AreEqual(batch.Length, rank.GlobalRows);
                CollectionAssert.AllItemsAreUnique(rank.Rows);
                while (next < pairs.Length && rank.Rows.Contains(pairs[next].First) && rank.Rows.Contains(pairs[next].Second))
                    next++;
            }
            Assert.AreEqual(pairs.Length, next, "every pair is in a slice");
            CollectionAssert.AreEquivalent(
                batch, ranks.SelectMany(rank => rank.Rows.Where((_, place) => rank.Counts![place])).ToArray());
        }
    }

    [TestMethod]
    public void OneProcessReadsWhatItIsGiven()
    {
        var seen = Read(ProcessGroup.Single, Augmentation.None);
        foreach (var (batch, rows) in seen.Zip(s_batches))
        {
            CollectionAssert.AreEqual(rows, batch.Rows);
            Assert.AreEqual(rows.Length, batch.GlobalRows);
            Assert.IsNull(batch.Counts);
        }
    }

    private static void AssertTogether(List<Seen> expected, List<Seen>[] ranks)
    {
        foreach (var rank in ranks)
        {
            CollectionAssert.AreEqual(expected.ConvertAll(batch => batch.Batch), rank.ConvertAll(batch => batch.Batch));
            CollectionAssert.AreEqual(expected.ConvertAll(batch => batch.GlobalRows), rank.ConvertAll(batch => batch.GlobalRows));
        }
        foreach (var (place, batch) in expected.Index())
        {
            CollectionAssert.AreEqual(batch.Rows, ranks.SelectMany(rank => rank[place].Rows).ToArray());
            CollectionAssert.AreEqual(batch.Labels, ranks.SelectMany(rank => rank[place].Labels).ToArray());
            CollectionAssert.AreEqual(batch.Pixels, ranks.SelectMany(rank => rank[place].Pixels).ToArray());
        }
    }

    private static List<Seen> Read(
        ProcessGroup group, Augmentation augmentation, int[][]? batches = null, int[]? bad = null, RowPair[][]? pairs = null) =>
        With(bad ?? [], stages: 0, (encoder, data, badRows, fit) =>
        {
            var inputs = new RowInputs(
                encoder, data.Training, new RowViews(data.Training.Source, augmentation, fit.Seed), epochs: 3, badRows,
                CancellationToken.None, processes: group);
            return SeenOf(inputs, inputs.Read(batches ?? s_batches, epoch: 1, first: 0, pairs), data);
        });

    private static List<Seen> ReadCached(ProcessGroup group) => With([], stages: 2, (encoder, data, badRows, fit) =>
    {
        var options = SmallTraining.Options with { FeatureCache = FeatureCache.InMemory() };
        using var caches = new FeatureCaches(encoder, options, badRows, new ProgressMeter(null, epochs: 1), fit.Channel, () => false);
        var kept = caches.TryKeep(data.Training, Augmentation.None, [1]);
        var inputs = new CachedInputs(kept!, encoder, data.Training.Source, group);
        return SeenOf(inputs, inputs.Read(s_batches, epoch: 1), data);
    });

    private static List<Seen> SeenOf(StepInputs source, IEnumerable<StepInput> inputs, TrainingData data)
    {
        var objective = new MulticlassObjective(3);
        var all = new List<Seen>();
        foreach (var input in inputs)
        {
            using var scope = NewDisposeScope();
            using (input)
            {
                var isEmpty = input.Rows.Length == 0;
                Assert.AreEqual(isEmpty, input.Inputs is null, "nothing is computed for no rows unless it is needed");
                using var placeholder = isEmpty ? source.Placeholder() : null;
                var own = input.Inputs ?? placeholder!;
                all.Add(new Seen(
                    input.Batch, input.GlobalRows, input.Rows, own.TrainingRows!.Counts,
                    isEmpty ? [] : Floats(own.Activations),
                    isEmpty ? [] : Floats(objective.TargetsOf(data.Training, input.Rows, input.Mix, CPU).Labels),
                    isEmpty ? own.Rows : 0));
            }
        }
        return all;
    }

    private static float[] Floats(Tensor tensor) => [.. tensor.Values().Select(value => (float)value)];

    private static T With<T>(int[] bad, int stages, Func<FrozenEncoder, TrainingData, BadRowLog, FitScope, T> use)
    {
        var ml = new MLContext(seed: 1);
        var options = SmallTraining.Options;
        using var fit = new FitScope(ml, "test", "test", seed: 1);
        var photos = SmallPictures.Take(4);
        foreach (var row in bad)
            photos[row] = new Photo { Label = photos[row].Label, ImagePath = Path.Combine(SmallPictures.Folder, "missing.png") };
        var view = SmallTraining.WithKeys(ml, SmallPictures.View(ml, photos));
        using var data = TrainingData.Read(
            fit.Host, fit.Channel, view, options, new ImageInput(options.ImageColumn, new ImageEncoder(options.Backbone.Preprocessing)),
            new ClassLabels("Label", LabelKeys.Of(view.Schema["Label"])), fit.Seed);
        using var network = ImageNetwork.Create(options.Backbone, 3, seed: 1);
        network.Freeze(stages);
        using var encoder = new FrozenEncoder(network, options.CreateInput(), stages, fit.Seed, workers: 2);
        return use(encoder, data, new BadRowLog(BadRows.Skip(0.5f), fit.Channel), fit);
    }
}
