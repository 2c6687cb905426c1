using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/table-and-photo.md.</summary>
internal static class TableAndPhotoPage
{
    public static IEstimator<ITransformer> Pipeline(MLContext ml)
    {
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.Transforms.Conversion.MapValueToKey("PlaceKey", "Place"));
        var pipeline = keys.Append(ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV1(0.25f).WithWeights("mobilenetv1_025.safetensors"),
            ImageColumnName = "Photo",
            TableColumns = ["Weight", "PlaceKey"],
            MissingPictures = MissingPictures.Allow,
        }));
        return pipeline;
    }
}
