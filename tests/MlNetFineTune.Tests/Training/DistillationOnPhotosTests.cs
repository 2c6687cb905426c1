using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Training;

/// <summary>
/// Real networks on real photos: MobileNetV2, which learnt ants from bees, teaches MobileNetV1 of a quarter's width, whose labels are drawn
/// by lot. What the student knows then it has from its teacher. Chance agrees on half of the photos,
/// or on as many as its favourite class has.
/// </summary>
[TestClass]
[TestCategory(Categories.Weights)]
[TestCategory(Categories.Slow)]
public sealed class DistillationOnPhotosTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AStudentWhoseLabelsSayNothingAgreesWithItsTeacherOnPhotosThatNeitherHasSeen()
    {
        var (large, small) = (SharedData.RequireOrSkip("weights/mobilenetv2_100.safetensors"),
            SharedData.RequireOrSkip("weights/mobilenetv1_025.safetensors"));
        var (train, test) = (PhotosOf("train", perClass: 50), PhotosOf("val", perClass: 40));
        var options = new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights(large),
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.None,
            Validation = ValidationData.None,
            LearningRate = 1e-2f,
        };
        using var teacher = Fit(options with { Epochs = 5 }, train);
        var lot = new Random(1);
        Photo[] drawn = [.. train.Select(photo => new Photo { Label = lot.Next(2) == 0 ? "ants" : "bees", ImagePath = photo.ImagePath })];
        options = options with { Backbone = Backbone.MobileNetV1(0.25f).WithWeights(small), Epochs = 20 };

        using var taught = Fit(options with { Distillation = Distillation.From(teacher, weight: 1) }, drawn);
        using var alone = Fit(options, drawn);

        var said = Predictions(teacher, test);
        var (agrees, lots) = (Agreement(said, Predictions(taught, test)), Agreement(said, Predictions(alone, test)));
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture,
                $"The student agrees with its teacher on {agrees:0.000} of the photos, and without it, "
                + $"taught by lot, on {lots:0.000}."));
        Assert.IsGreaterThanOrEqualTo(0.8, agrees);
        Assert.IsGreaterThan(lots + 0.15, agrees);
        Assert.IsGreaterThanOrEqualTo(
            0.9, test.Select(photo => photo.Label).Zip(said, (label, prediction) => label == prediction ? 1 : 0).Average(),
            "the teacher itself");
    }

    private static Photo[] PhotosOf(string part, int perClass) =>
    [
        .. from label in (string[])["ants", "bees"]
           from path in Directory.GetFiles(SharedData.RequireOrSkip($"data/ants-bees/{part}/{label}"), "*.jpg")
               .Order(StringComparer.Ordinal).Take(perClass)
           select new Photo { Label = label, ImagePath = path },
    ];

    private FineTuningTransformer Fit(ImageFineTuningOptions options, Photo[] photos)
    {
        var data = _ml.Data.LoadFromEnumerable(photos);
        return _ml.MulticlassClassification.Trainers.FineTuneImages(options)
            .Fit(
                _ml.Transforms.Conversion.MapValueToKey(
                "Label", keyOrdinality: Microsoft.ML.Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(data)
                .Transform(data));
    }

    private string[] Predictions(FineTuningTransformer model, Photo[] photos) =>
        [.. _ml.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(model.Transform(_ml.Data.LoadFromEnumerable(photos)))
            .Transform(model.Transform(_ml.Data.LoadFromEnumerable(photos))).GetColumn<string>("PredictedLabel")];

    private static double Agreement(string[] teacher, string[] student) =>
        teacher.Zip(student, (theirs, ours) => theirs == ours ? 1 : 0).Average();
}
