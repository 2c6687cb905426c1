using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Training;

/// <summary>Concurrent trainings and scorings in one process have the same bits as alone.</summary>
[TestClass]
public sealed class IsolationTests
{
    private static readonly Photo[] s_photos = SmallPictures.Take(10);
    private static readonly TableRow[] s_rows = TableRow.Many(80);

    private static readonly ImageFineTuningOptions s_images = SmallTraining.Options with
    {
        Augmentation = Augmentation.Standard,
        Validation = ValidationData.Fraction(0.3f),
        Epochs = 4,
        Workers = 2,
    };

    [TestMethod]
    public void TwoTrainingsAndAScoringAtOnceEqualEachAlone()
    {
        Func<byte[]>[] works =
        [
            () => Images(seed: 1), () => Images(seed: 2), () => Dropout(seed: 1), () => Dropout(seed: 2), Scores,
        ];
        var alone = works.Select(work => work()).ToArray();
        Assert.IsFalse(alone[0].SequenceEqual(alone[1]) || alone[2].SequenceEqual(alone[3]), "the seed matters");

        foreach (int[] together in (int[][])[[0, 1], [2, 3], [0, 2], [0, 4], [2, 4], [0, 1, 2, 3, 4]])
        {
            var results = new byte[works.Length][];
            var threads = together.Select(work => new Thread(() => results[work] = works[work]())).ToList();
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());
            foreach (var work in together)
                CollectionAssert.AreEqual(alone[work], results[work], $"work {work} of {string.Join(", ", together)}");
        }
    }

    private static byte[] Images(int seed)
    {
        using var model = SmallTraining.Fit(new MLContext(), s_images with { Seed = seed }, s_photos);
        return SmallTraining.WeightsOf(model);
    }

    private static byte[] Dropout(int seed)
    {
        var ml = new MLContext();
        var options = SmallModules.Regression with
        {
            Factory = new TwoLayersFactory { Dropout = 0.5, Hidden = 32 },
            Epochs = 12,
            BatchSize = 4,
            Seed = seed
        };
        using var model = ml.Regression.Trainers.FineTuneModule(options).Fit(SmallModules.View(ml, s_rows));
        return SmallModules.WeightsOf(model);
    }

    private static byte[] Scores()
    {
        var ml = new MLContext();
        using var model = SmallTraining.LoadModel(ml);
        var all = new List<float>();
        for (var i = 0; i < 5; i++)
            all.AddRange(model.Transform(SmallPictures.View(ml, SmallPictures.Take(10, skip: 15))).GetColumn<float[]>("Score")
                .SelectMany(scores => scores));
        return [.. all.SelectMany(BitConverter.GetBytes)];
    }
}
