using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/from-imageclassificationtrainer.md.</summary>
internal static class FromImageClassificationTrainerPage
{
    public static void Train(MLContext ml)
    {
        var photos = ml.Data.LoadImageFolder("photos/train"); // Label, ImagePath
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
            {
                Backbone = Backbone.MobileNetV2.WithWeights("mobilenetv2_100.safetensors"),
                Strategy = Strategy.HeadOnly,
                Augmentation = Augmentation.None,
                Epochs = 20,
                EarlyStoppingPatience = 3,
                Validation = ValidationData.Fraction(0.1f),
                FeatureCache = FeatureCache.InFolder("features"),
                Progress = new Progress<TrainingProgress>(Console.WriteLine),
            }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        using var model = pipeline.Fit(photos);
    }
}
