using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using SkiaSharp;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>
/// Do maps point at the evidence? On drawn pictures, where it is known. Each method is far above chance, and maps of other pictures are
/// not: so a test of maps that always point at the same places, or at nothing, fails.
/// </summary>
[TestClass]
public sealed class PointingGameTests
{
    private const int Count = 60;

    // As the noise on average.
    private static readonly ColorTriple s_grey = new(0.45f, 0.45f, 0.45f);

    private static readonly Lazy<byte[]> s_convolutions = new(() =>
    {
        var ml = new MLContext(seed: 1);
        using var model = Train(ml, Backbone.Micro.FromScratch() with { Preprocessing = Preprocessing }, epochs: 8, learningRate: 3e-3f);
        return SmallTraining.Save(ml, model);
    });

    private readonly MLContext _ml = new(seed: 1);
    private readonly EvidencePhoto[] _test = EvidencePictures.Take(Count, skip: 1000);

    public TestContext TestContext { get; set; } = null!;

    public static IEnumerable<object[]> OfConvolutions =>
    [
        [Explanation.GradCam(), 0.8],
        [Explanation.GradCam("layer2"), 0.8],
        [Explanation.IntegratedGradients(steps: 8, baseline: s_grey), 0.8],
        [Explanation.IntegratedGradients(steps: 8), 0.7],
    ];

    [TestMethod]
    [DynamicData(nameof(OfConvolutions))]
    public void TheMapsOfAConvolutionalNetworkPointAtTheEvidence(Explanation explanation, double least)
    {
        using var model = Convolutions();
        var accuracy = _ml.MulticlassClassification.Evaluate(model.Transform(EvidencePictures.View(_ml, _test))).MicroAccuracy;
        Assert.IsGreaterThan(0.9, accuracy, "the network has learnt what it is asked about");

        AssertPoints(model, explanation, least);
    }

    [TestMethod]
    public void TheMapOfAClassPointsAtTheEvidenceOfThatClass()
    {
        using var model = Convolutions();
        var pairs = EvidencePictures.TakePairs(Count, skip: 3000);
        foreach (var explanation in (Explanation[])[Explanation.GradCam("layer2"), Explanation.IntegratedGradients(steps: 8, s_grey)])
        {
            foreach (var kind in EvidencePictures.Classes)
            {
                var asked = pairs.Where(pair => pair.First.Label == kind).Select(pair => pair.First)
                    .Concat(pairs.Where(pair => pair.Second.Label == kind).Select(pair => pair.Second)).ToArray();
                var (maps, height, width) = Maps(model, explanation with { Class = kind }, asked);
                var (hits, chance) = PointingGame.Play(asked, maps, height, width);
                TestContext.WriteLine($"{explanation}: {kind} among two: {hits:0.00} of {asked.Length}, chance {chance:0.00}");
                Assert.IsGreaterThan(0.7, hits, $"{explanation}, {kind}");
            }
        }
    }

    [TestMethod]
    public void AttentionRolloutPointsAtTheEvidence()
    {
        var vit = new Backbone(new Architecture(
            "vit", "head", new WeightsRecipe(Preprocessing, Backbone.ConvolutionPadding.Symmetric, 1e-6),
            recipe => new VisionTransformer(
                new TransformerShape(Patch: 8, Channels: 48, Heads: 3, Blocks: 2), recipe.Preprocessing.Size,
                Backbone.TokenPooling.ClassToken, recipe.Epsilon))
        { InitialWeights = Initialization.Transformer });
        using var model = Train(_ml, vit.FromScratch(), epochs: 12, learningRate: 2e-3f);
        var accuracy = _ml.MulticlassClassification.Evaluate(model.Transform(EvidencePictures.View(_ml, _test))).MicroAccuracy;
        Assert.IsGreaterThan(0.8, accuracy, "the network has learnt what it is asked about");

        AssertPoints(model, Explanation.AttentionRollout(), least: 0.5);
        AssertPoints(model, Explanation.IntegratedGradients(steps: 8), least: 0.5);
    }

    /// <summary>The picture of docs/explanations.md: with MLNETFINETUNE_PICTURES=folder it is left there.</summary>
    [TestMethod]
    public void TheSheetOfTheDocumentsIsDrawn()
    {
        const int Scale = 2, Step = EvidencePictures.Side * Scale + 6;
        using var model = Convolutions();
        var photos = EvidencePictures.TakePairs(4, skip: 3000).SelectMany(pair => (EvidencePhoto[])[pair.First, pair.Second]).ToArray();
        Explanation[] columns =
        [
            Explanation.GradCam(), Explanation.GradCam("layer2"), Explanation.IntegratedGradients(32, s_grey),
            Explanation.IntegratedGradients(),
        ];
        using var sheet = new SKBitmap((columns.Length + 1) * Step - 6, photos.Length * Step - 6);
        sheet.Erase(SKColors.White);
        using var canvas = new SKCanvas(sheet);
        foreach (var (row, photo) in photos.Index())
        {
            using var plain = SKBitmap.Decode(photo.ImagePath);
            Paste(plain, 0, row);
            foreach (var (column, explanation) in columns.Index())
            {
                var view = EvidencePictures.View(_ml, [photo]);
                using var explainer = _ml.Transforms
                    .ExplainImages("Why", "ImagePath", model, explanation with { Class = photo.Label }).Fit(view);
                using var image = explainer.Transform(view).GetColumn<MLImage>("Why").Single();
                using var data = SKImage.FromPixelCopy(
                    new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888), image.Pixels.ToArray());
                using var drawn = SKBitmap.FromImage(data);
                Paste(drawn, column + 1, row);
            }
        }
        using var png = sheet.Encode(SKEncodedImageFormat.Png, 100);
        Assert.IsGreaterThan(10_000, png.Size);
        if (Environment.GetEnvironmentVariable("MLNETFINETUNE_PICTURES") is { Length: > 0 } folder)
            File.WriteAllBytes(Path.Combine(folder, "explanations.png"), png.ToArray());

        void Paste(SKBitmap picture, int column, int row) => canvas.DrawBitmap(
            picture, SKRect.Create(column * Step, row * Step, EvidencePictures.Side * Scale, EvidencePictures.Side * Scale));
    }

    private static ImagePreprocessing Preprocessing => new()
    {
        Size = EvidencePictures.Side,
        CropFraction = 1,
        Mean = ColorTriple.Half,
        Std = ColorTriple.Half,
    };

    private static FineTuningTransformer Train(MLContext ml, Backbone backbone, int epochs, float learningRate)
    {
        var options = SmallTraining.Options with { Backbone = backbone, Epochs = epochs, LearningRate = learningRate, BatchSize = 16 };
        return ml.MulticlassClassification.Trainers.FineTuneImages(options)
            .Fit(EvidencePictures.View(ml, EvidencePictures.Take(240)));
    }

    private FineTuningTransformer Convolutions() =>
        (FineTuningTransformer)_ml.Model.Load(new MemoryStream(s_convolutions.Value), out _);

    private void AssertPoints(FineTuningTransformer model, Explanation explanation, double least)
    {
        var (maps, height, width) = Maps(model, explanation, _test);
        var (hits, chance) = PointingGame.Play(_test, maps, height, width);
        var (others, _) = PointingGame.Play(_test, [.. maps.Skip(1), maps[0]], height, width);
        TestContext.WriteLine(
            $"{explanation}: {hits:0.00} of {Count} hit, chance {chance:0.00}, maps of other pictures {others:0.00}, {height} x {width}");

        Assert.IsGreaterThanOrEqualTo(least, hits);
        Assert.IsLessThan(least / 2, chance);
        Assert.IsLessThan(chance + 0.2, others); // of 60, three standard deviations above chance
    }

    private (float[][] Maps, int Height, int Width) Maps(FineTuningTransformer model, Explanation explanation, EvidencePhoto[] photos)
    {
        var view = EvidencePictures.View(_ml, photos);
        using var explainer = _ml.Transforms.ExplainImages("Why", "ImagePath", model, explanation, mapColumnName: "Map").Fit(view);
        return ([.. explainer.Transform(view).GetColumn<float[]>("Map")], explainer.MapHeight, explainer.MapWidth);
    }
}
