using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/compression.md.</summary>
internal static class CompressionPage
{
    public static void Half(MLContext ml, FineTuningTransformer model)
    {
        using var half = model.WithHalfPrecisionWeights();
        ml.Model.Save(half, null, "half.zip");
    }

    public static void Pruned(MLContext ml, IDataView photos, FineTuningTransformer model, ImageFineTuningOptions usual)
    {
        using var smaller = ml.MulticlassClassification.Trainers.FineTuneImages(usual with
        {
            Backbone = Backbone.FromModel(model).Prune(0.25f),
            Strategy = Strategy.Full(layerDecay: 1),
        }).Fit(photos);
    }

    public static void Distilled(MLContext ml, IDataView photos)
    {
        using var teacher = ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights("mobilenetv2_100.safetensors"),
            Seed = 1,
        }).Fit(photos);
        using var student = ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV1(0.25f).WithWeights("mobilenetv1_025.safetensors"),
            Distillation = Distillation.From(teacher, temperature: 4, weight: 0.9f),
            Seed = 1,
        }).Fit(photos);
    }
}
