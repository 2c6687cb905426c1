using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>What the teacher sees, and how often.</summary>
[TestClass]
public sealed class TeacherInputTests
{
    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with { Epochs = 3 };

    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(4);

    [TestMethod]
    public void TheTeacherAnswersForThePixelsOfTheBatchErasedAndMixed()
    {
        var augmentation = Augmentation.Sequence(
            Augmentation.RandomResizedCrop(), Augmentation.RandomErasing(0.7f, noise: true), Augmentation.MixUp(1), Augmentation.CutMix());
        using var model = SmallTraining.LoadModel(_ml);
        var teachers = ((IFineTunedModel)model).AsSource();
        using var teacher = new Teacher(
            teachers, [2, 0, 1], new PictureForm(s_options.Backbone.Preprocessing, s_options.Backbone.InputChannels), "student", CPU);
        using var fit = new FitScope(_ml, "test", "test", seed: 1);
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, _photos));
        using var data = TrainingData.Read(
            fit.Host, fit.Channel, view, s_options,
            new ImageInput(s_options.ImageColumn, new ImageEncoder(s_options.Backbone.Preprocessing)),
            new ClassLabels("Label", LabelKeys.Of(view.Schema["Label"])), fit.Seed);
        using var student = ImageNetwork.Create(s_options.Backbone, 3, seed: 1);
        using var encoder = new FrozenEncoder(student, s_options.CreateInput(), stages: 0, fit.Seed, workers: 2);
        var inputs = new RowInputs(encoder, data.Training, new RowViews(data.Training.Source, augmentation, fit.Seed), epochs: 3,
            new BadRowLog(BadRows.Throw, fit.Channel), CancellationToken.None, teacher);
        var mixed = 0;

        foreach (var input in inputs.Read([[3, 1, 4, 7], [0, 2, 5, 9], [6, 8, 10, 11]], epoch: 1))
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            using (input)
            {
                Tensor? logits = null;
                // nothing is frozen: these are the pixels that train
                teachers.Read(network => logits = network.ForwardRest(input.Inputs!, 0));
                Fixture.AreClose(logits!.index_select(1, tensor(new long[] { 2, 0, 1 })).Values(), input.TeacherLogits!.Values(),
                    1e-5, "logits");
                mixed += input.Mix is null ? 0 : 1;
            }
        }

        Assert.AreEqual(3, mixed);
    }

    [TestMethod]
    public void TheTeacherRunsOnceForEachViewWhereViewsStayAndInEveryStepWhereTheyDoNot()
    {
        foreach (var strategy in (Strategy[])[Strategy.Full(1), Strategy.HeadOnly])
        {
            Assert.AreEqual(12 + 1, RowsTaught(s_options with { Strategy = strategy }), "and a black picture, for the shape");
            Assert.AreEqual(
                2 * 12 + 1,
                RowsTaught(s_options with { Strategy = strategy, Augmentation = Augmentation.FixedViews(Augmentation.Light, 2) }));
            Assert.AreEqual(3 * 12, RowsTaught(s_options with { Strategy = strategy, FeatureCache = FeatureCache.None }));
            Assert.AreEqual(3 * 12, RowsTaught(s_options with { Strategy = strategy, Augmentation = Augmentation.Light }));
        }
        Assert.AreEqual(12 + 1, RowsTaught(s_options with { Strategy = Strategy.ProbeThenFull(0.5f) }), "both parts of the plan");
    }

    [TestMethod]
    public void BatchesOfOneTrainTheSameBitsWhetherLogitsAreKeptOrNot()
    {
        using var folder = new Folder();
        using var teacher = SmallTraining.LoadModel(_ml);
        var options = s_options with { BatchSize = 1, Epochs = 2, Distillation = Distillation.From(teacher) };
        foreach (var tried in (ImageFineTuningOptions[])
            [
                options with { Strategy = Strategy.HeadOnly },
                options with { Augmentation = Augmentation.FixedViews(
                    Augmentation.Sequence(Augmentation.Light, Augmentation.RandomErasing(0.7f, noise: true)), 2) },
            ])
        {
            var expected = Train(tried with { FeatureCache = FeatureCache.None });
            CollectionAssert.AreEqual(expected, Train(tried with { FeatureCache = FeatureCache.InMemory() }));
            CollectionAssert.AreEqual(expected, Train(tried with { FeatureCache = FeatureCache.InFolder(folder.File("cache")) }),
                "computed");
            CollectionAssert.AreEqual(expected,
                Train(tried with { FeatureCache = FeatureCache.InFolder(folder.File("cache")), Workers = 4 }), "found");
        }
    }

    [TestMethod]
    public void AFolderKeepsTheLogitsOfEachTeacherApart()
    {
        using var folder = new Folder();
        using var teacher = SmallTraining.LoadModel(_ml);
        using var other = SmallTraining.Fit(_ml, s_options with { Epochs = 1, Seed = 7 }, _photos);
        var options = s_options with { BatchSize = 1, Epochs = 1, FeatureCache = FeatureCache.InFolder(folder.File("cache")) };

        var first = Train(options with { Distillation = Distillation.From(teacher) });
        var second = Train(options with { Distillation = Distillation.From(other) });

        CollectionAssert.AreNotEqual(first, second);
        CollectionAssert.AreEqual(second,
            Train(options with { Distillation = Distillation.From(other), FeatureCache = FeatureCache.None }));
        Assert.HasCount(2, Directory.GetDirectories(folder.File("cache")));
    }

    [TestMethod]
    public void LogitsInBFloat16HaveAnotherKey()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var source = ((IFineTunedModel)model).AsSource();
        using var student = ImageNetwork.Create(s_options.Backbone, 3, seed: 1);
        using var teacher = new Teacher(
            source, [0, 1, 2], new PictureForm(s_options.Backbone.Preprocessing, s_options.Backbone.InputChannels), "student", CPU);
        using var layers = new FrozenTeacher(teacher, student, s_options.CreateInput(), seed: 1, workers: 2);

        var expected = layers.ComputeIdentity();
        Assert.AreEqual(expected, layers.ComputeIdentity());
        source.Read(network => network.UsesBFloat16 = true);
        Assert.AreNotEqual(expected, layers.ComputeIdentity());
    }

    private long RowsTaught(ImageFineTuningOptions options)
    {
        var classifier = ImageNetwork.Create(options.Backbone, outputs: 3, seed: 5);
        classifier.PrepareForScoring();
        var counting = new CountingNetwork(classifier);
        using var scorer = new NetworkScorer(
            new SharedNetwork(counting, options.CreateInput()), new MulticlassObjective(3), [Augmentation.None]);
        using var model = SmallTraining.LoadModel(_ml);
        using var teacher = new Teacher(
            new SourceModel(scorer.Read, () => new string('0', 64), keys: null, options.Backbone, weights: null), [0, 1, 2],
            new PictureForm(options.Backbone.Preprocessing, options.Backbone.InputChannels), "student", CPU);
        CountingNetwork.Train(_photos, options with { Distillation = Distillation.From(model) }, teacher: teacher);
        return counting.RowsThroughStage[0];
    }

    private byte[] Train(ImageFineTuningOptions options)
    {
        using var model = SmallTraining.Fit(_ml, options, _photos);
        return SmallTraining.WeightsOf(model);
    }
}
