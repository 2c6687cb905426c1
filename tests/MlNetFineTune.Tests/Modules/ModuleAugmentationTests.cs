using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Pictures of a module are augmented as those of a backbone: counted by seed, epoch and row, in training alone.</summary>
[TestClass]
public sealed class ModuleAugmentationTests
{
    private const int Side = 32;

    private static readonly ImagePreprocessing s_preprocessing = new()
    {
        Size = Side,
        CropFraction = 1,
        Mean = ColorTriple.Half,
        Std = ColorTriple.Half
    };
    private static readonly Photo[] s_photos = SmallPictures.Take(3);

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void ATrainingStepSeesTheAugmentedPicturesOfSeedEpochAndRowAndNobodyElseDoes()
    {
        var seen = new List<(bool Training, double[] Pictures, double[] Others, double[] Numbers)>();
        AnyFactory.Make = context => new Looking(context, (training, inputs) => seen.Add((training, inputs[0].Values(), inputs[1].Values(),
            inputs[2].Values())));
        var augmentation = Augmentation.Standard;
        var options = Options with
        {
            Augmentation = augmentation,
            Epochs = 2,
            BatchSize = s_photos.Length,
            Seed = 3,
            Validation = ValidationData.Set(View(SmallPictures.Take(1, skip: 20)))
        };

        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(View(s_photos));

        foreach (var (epoch, step) in seen.Where(call => call.Training).Index())
        {
            // In any order: the shuffle is not what this is about.
            var expected = s_photos.Select((photo, row) => Pixels(photo, augmentation, new CountedRandom(3, RandomStream.Augmentation,
                epoch + 1, row))).ToList();
            AssertSameRows(expected, step.Pictures);
            AssertSameRows(expected, step.Others); // the same draws for another picture of the row
            CollectionAssert.AreEquivalent(new double[] { 1, 1, 1, 2, 2, 2, 3, 3, 3 }, step.Numbers);
        }
        Assert.AreEqual(2, seen.Count(call => call.Training));
        var judged = seen.Where(call => !call.Training && call.Pictures.Length == 3 * 3 * Side * Side).ToList();
        Assert.HasCount(2, judged);
        foreach (var call in judged)
            AssertSameRows([.. SmallPictures.Take(1, skip: 20).Select(photo => Pixels(photo, Augmentation.None, default))], call.Pictures);

        seen.Clear();
        _ = model.Transform(View(s_photos)).GetColumn<float[]>("Score").ToArray();
        AssertSameRows([.. s_photos.Select(photo => Pixels(photo, Augmentation.None, default))], seen.Single().Pictures);
    }

    [TestMethod]
    public void WorkersDoNotChangeTheResultAndAugmentationDoes()
    {
        AnyFactory.Make = context => new Looking(context, (_, _) => { });
        var one = Train(Options with { Augmentation = Augmentation.Light, Workers = 1 });
        CollectionAssert.AreEqual(one, Train(Options with { Augmentation = Augmentation.Light, Workers = 3 }));
        CollectionAssert.AreNotEqual(one, Train(Options with { Workers = 1 }));
        CollectionAssert.AreEqual(Train(Options), Train(Options with { Augmentation = Augmentation.None }), "the default");
    }

    [TestMethod]
    public void WhatModulesCannotHaveIsRefusedBeforeTheRowsAreRead()
    {
        Refuses(SmallModules.Multiclass with { Augmentation = Augmentation.Light }, "Inputs has none");
        foreach (var (augmentation, message) in ((Augmentation, string)[])
            [
                (Augmentation.MixUp(), "MixUp acts on a batch"),
                (Augmentation.Sequence(Augmentation.Light, Augmentation.CutMix()), "CutMix acts on a batch"),
                (Augmentation.RandomErasing(), "RandomErasing acts on a batch"),
                (Augmentation.FixedViews(Augmentation.RandomErasing(), 2), "RandomErasing acts on a batch"),
            ])
            Refuses(Options with { Augmentation = augmentation }, message);
        Assert.AreSame(Augmentation.None, SmallModules.Regression.Augmentation);
        Assert.ThrowsExactly<ArgumentNullException>(() => SmallModules.Binary with { Augmentation = null! });

        void Refuses(ModuleFineTuningOptions options, string message) =>
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() =>
                _ml.MulticlassClassification.Trainers.FineTuneModule(options)).Message, message);
    }

    // A module does not take over the augmentation of AugmentImages: it trains on pictures drawn from whole ones, and scores whole ones.
    [TestMethod]
    public void AfterAugmentImagesItScoresWholePicturesAsItTrainsOnThem()
    {
        AnyFactory.Make = context => new Looking(context, (_, _) => { });
        var (folder, photos) = LargeJpegs.Draw();
        var data = View(photos);
        var loading = _ml.Transforms.LoadImages("Picture", folder, "ImagePath").Fit(data);
        var options = Options with
        {
            Inputs = [ModuleInput.Image("Picture", s_preprocessing), ModuleInput.Image("Other", s_preprocessing, folder), "Extra"],
        };
        using var expected = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(loading.Transform(data));
        var scores = SmallTraining.Scores(expected.Transform(loading.Transform(data)));

        using var chain = _ml.Transforms.AugmentImages("Picture", "ImagePath", Augmentation.None, imageFolder: folder)
            .Append(_ml.MulticlassClassification.Trainers.FineTuneModule(options)).Fit(data);

        CollectionAssert.AreEqual(SmallModules.WeightsOf(expected), SmallModules.WeightsOf(chain.LastTransformer));
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(chain.Transform(data)));
        using var loaded = (IDisposable)new MLContext().Model.Load(new MemoryStream(SmallTraining.Save(_ml, chain, data.Schema)), out _);
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(((ITransformer)loaded).Transform(data)));
    }

    private static ModuleFineTuningOptions Options => SmallModules.Multiclass with
    {
        Factory = new AnyFactory(),
        LabelColumnName = "Label",
        Inputs = [ModuleInput.Image("ImagePath", s_preprocessing), ModuleInput.Image("Other", s_preprocessing), "Extra"],
        Epochs = 2,
        BatchSize = 4,
        Validation = ValidationData.None,
    };

    private byte[] Train(ModuleFineTuningOptions options)
    {
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(View(s_photos));
        return SmallModules.WeightsOf(model);
    }

    private IDataView View(Photo[] photos)
    {
        var keyed = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, photos));
        return _ml.Transforms.CopyColumns("Other", "ImagePath").Append(_ml.Transforms.CopyColumns("Extra", "Label")).Fit(keyed)
            .Transform(keyed);
    }

    private static double[] Pixels(Photo photo, Augmentation augmentation, CountedRandom random)
    {
        var encoder = new ImageEncoder(s_preprocessing);
        var pixels = new byte[encoder.Length];
        Assert.IsNull(encoder.EncodeFile(photo.ImagePath, augmentation, random, pixels));
        using var scope = NewDisposeScope();
        using var normalizer = new PixelNormalizer(s_preprocessing, CPU);
        return normalizer.Normalize(pixels, 1).Values();
    }

    private static void AssertSameRows(List<double[]> expected, double[] actual)
    {
        var rows = actual.Chunk(3 * Side * Side).ToList();
        Assert.HasCount(expected.Count, rows);
        foreach (var row in rows)
        {
            var found = expected.FindIndex(row.SequenceEqual);
            Assert.IsGreaterThanOrEqualTo(0, found, "a picture that is none of those expected");
            expected = [.. expected.Where((_, index) => index != found)];
        }
    }

    private sealed class Looking : nn.Module<Tensor, Tensor, Tensor, Tensor>
    {
        private readonly Dense last;
        private readonly Action<bool, Tensor[]> _see;

        public Looking(ModuleContext context, Action<bool, Tensor[]> see)
            : base(nameof(Looking))
        {
            last = new Dense(3, context.Outputs);
            _see = see;
            RegisterComponents();
        }

        public override Tensor forward(Tensor picture, Tensor other, Tensor extra)
        {
            _see(training, [picture, other, extra]);
            return last.call(picture.mean([2, 3]) + other.mean([2, 3]));
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                last.Dispose();
            base.Dispose(disposing);
        }
    }
}
