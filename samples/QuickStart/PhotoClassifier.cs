using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using MlNetFineTune;

namespace QuickStart;

/// <summary>The part to copy: an ML.NET pipeline that fine-tunes a network, and the use of the model.</summary>
internal static class PhotoClassifier
{
    /// <param name="ml">The context.</param>
    /// <param name="photos">Rows of <c>ml.Data.LoadImageFolder</c>: the columns Label and ImagePath.</param>
    /// <param name="options">Backbone, strategy, epochs and so on.</param>
    public static TransformerChain<KeyToValueMappingTransformer> Train(MLContext ml, IDataView photos, ImageFineTuningOptions options)
    {
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(options))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));

        return pipeline.Fit(photos);
    }

    /// <summary>Looks for near-duplicates, likely label errors and poor photos before the training.</summary>
    public static DataExamination Examine(MLContext ml, IDataView train, IDataView test, Backbone backbone, string page) =>
        ml.FineTuning.Examine(train, test, new ExaminationOptions { Backbone = backbone, ReportPath = page });

    public static MulticlassClassificationMetrics Evaluate(MLContext ml, ITransformer model, IDataView test) =>
        ml.MulticlassClassification.Evaluate(model.Transform(test));

    /// <summary>
    /// Counts the photos that a person should check, because the set of possible classes is not the predicted one alone, or the photo is
    /// unlike the training photos. Requires <c>Conformal</c> in the options.
    /// </summary>
    public static int CountRejected(ITransformer model, IDataView photos) =>
        model.Transform(photos).GetColumn<bool>("Rejected").Count(isRejected => isRejected);

    /// <summary>Writes each photo with a heat map of its predicted class.</summary>
    public static void Explain(MLContext ml, ITransformer model, IDataView photos, string folder)
    {
        Directory.CreateDirectory(folder);
        using var explainer = ml.Transforms.ExplainImages("Heat", "ImagePath", model, Explanation.GradCam()).Fit(photos);
        foreach (var photo in ml.Data.CreateEnumerable<ExplainedPhoto>(explainer.Transform(photos), reuseRowObject: false))
        {
            using var heat = photo.Heat;
            heat?.Save(Path.Combine(folder, $"{photo.Label}-{Path.GetFileNameWithoutExtension(photo.ImagePath)}.png"));
        }
    }

    public static PhotoPrediction Predict(MLContext ml, ITransformer model, Photo photo)
    {
        // By default the engine disposes the model.
        using var engine = ml.Model.CreatePredictionEngine<Photo, PhotoPrediction>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        return engine.Predict(photo);
    }
}

/// <summary>One row of an image folder.</summary>
internal sealed class Photo
{
    public string Label { get; set; } = "";

    public string ImagePath { get; set; } = "";
}

/// <summary>A photo with heat over it.</summary>
internal sealed class ExplainedPhoto
{
    public string Label { get; set; } = "";

    public string ImagePath { get; set; } = "";

    public MLImage? Heat { get; set; }
}

/// <summary>Prediction of the model for a photo.</summary>
internal sealed class PhotoPrediction
{
    public string PredictedLabel { get; set; } = "";

    /// <summary>A probability for each class.</summary>
    public float[] Score { get; set; } = [];
}
