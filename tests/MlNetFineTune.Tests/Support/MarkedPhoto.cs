using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Tests.Support;

/// <summary>A picture of <see cref="SmallPictures"/> with a label for each task.</summary>
public sealed class MarkedPhoto
{
    /// <summary>Whether it shows dots.</summary>
    public bool Yes { get; set; }

    /// <summary>2,000, 2,500 or 3,000, by what it shows.</summary>
    public float Number { get; set; }

    /// <summary>"small", "medium" or "large", by what it shows; their order is not that of the alphabet.</summary>
    public string Grade { get; set; } = "";

    public string ImagePath { get; set; } = "";

    public static readonly string[] Grades = ["small", "medium", "large"];

    /// <summary>As <see cref="SmallPictures.Take"/>.</summary>
    public static MarkedPhoto[] Take(int perClass, int skip = 0) => [.. SmallPictures.Take(perClass, skip).Select(Of)];

    /// <summary>Rows with the grade as a key in the order of <see cref="Grades"/>.</summary>
    public static IDataView View(MLContext ml, IEnumerable<MarkedPhoto> photos)
    {
        var data = ml.Data.LoadFromEnumerable(photos.ToArray());
        var grades = ml.Data.LoadFromEnumerable(Grades.Select(name => new GradeName { Name = name }));
        return ml.Transforms.Conversion.MapValueToKey("Grade", keyData: grades).Fit(data).Transform(data);
    }

    private static MarkedPhoto Of(Photo photo)
    {
        var place = Array.IndexOf(SmallPictures.Classes, photo.Label);
        return new() { Yes = place == 0, Number = 2000 + 500 * place, Grade = Grades[place], ImagePath = photo.ImagePath };
    }

    private sealed class GradeName
    {
        public string Name { get; set; } = "";
    }
}

/// <summary>Predictions of regression models.</summary>
public sealed class ScalarPrediction
{
    public float Score { get; set; }
}

/// <summary>Predictions of binary models.</summary>
public sealed class YesPrediction
{
    public float Score { get; set; }

    public float Probability { get; set; }

    public bool PredictedLabel { get; set; }
}

/// <summary>Predictions of ordinal models.</summary>
public sealed class GradePrediction
{
    public float[] Score { get; set; } = [];

    public uint PredictedLabel { get; set; }
}

/// <summary>Models of pictures for each task, trained once by <see cref="MarkedPhoto"/>, loaded for each test.</summary>
internal static class ScalarModels
{
    private static readonly Lazy<byte[]> s_binary = new(() => Train(LearningTask.Binary(
        calibration: Calibration.Temperature(), threshold: DecisionThreshold.Recall(0.99f))));

    private static readonly Lazy<byte[]> s_regression = new(() => Train(LearningTask.Regression()));

    private static readonly Lazy<byte[]> s_bounded = new(() => Train(LearningTask.Regression(outputRange: (1950, 3050))));

    private static readonly Lazy<byte[]> s_ordinal = new(() => Train(LearningTask.Ordinal()));

    // At the size of the pictures: nothing is resized, so that ML.NET's transforms do not differ.
    public static ImageFineTuningOptions Options(LearningTask task) => SmallTraining.Options with
    {
        Backbone = SmallTraining.Backbone with { Preprocessing = SmallTraining.Backbone.Preprocessing with { Size = 48 } },
        Task = task,
        LabelColumnName = task.Name switch { "Binary" => "Yes", "Regression" => "Number", _ => "Grade" },
        Epochs = 12,
        Validation = ValidationData.Fraction(0.25f),
    };

    /// <summary>The trainer of the catalog that the task belongs to.</summary>
    public static FineTuningTrainer Trainer(MLContext ml, ImageFineTuningOptions options) => options.Task!.Name switch
    {
        "Binary" => ml.BinaryClassification.Trainers.FineTuneImages(options),
        "Regression" => ml.Regression.Trainers.FineTuneImages(options),
        _ => ml.MulticlassClassification.Trainers.FineTuneImages(options),
    };

    /// <param name="ml">Loads.</param>
    /// <param name="name">binary (calibrated, with a tuned threshold), regression, bounded (with an output range) or ordinal.</param>
    /// <returns>The caller disposes it.</returns>
    public static FineTuningTransformer Load(MLContext ml, string name) =>
        (FineTuningTransformer)ml.Model.Load(new MemoryStream(Zip(name)), out _);

    public static byte[] Zip(string name) => name switch
    {
        "binary" => s_binary.Value,
        "regression" => s_regression.Value,
        "bounded" => s_bounded.Value,
        _ => s_ordinal.Value,
    };

    private static byte[] Train(LearningTask task)
    {
        var ml = new MLContext(seed: 1);
        using var model = Trainer(ml, Options(task)).Fit(MarkedPhoto.View(ml, MarkedPhoto.Take(20)));
        return SmallTraining.Save(ml, model);
    }
}
