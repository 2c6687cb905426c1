using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/tasks.md.</summary>
internal static class TasksPage
{
    public static void Cracks(MLContext ml, IDataView photos)
    {
        var model = ml.BinaryClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights("mobilenetv2_100.safetensors"),
            LabelColumnName = "IsCracked",
            Task = LearningTask.Binary(calibration: Calibration.Temperature(), threshold: DecisionThreshold.F1),
        }).Fit(photos);
        Console.WriteLine(model.ProbabilityThreshold);
    }

    public static ImageFineTuningOptions Count(ImageFineTuningOptions usual)
    {
        var options = usual with { Task = LearningTask.Regression(RegressionLoss.Huber(delta: 3), outputRange: (0, 40)) };
        return options;
    }

    public static void Grades(MLContext ml, ImageFineTuningOptions options, IDataView train, IDataView test)
    {
        var grades = ml.Data.LoadFromEnumerable(new[] { new { Name = "few" }, new { Name = "some" }, new { Name = "many" } });
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Grade", keyData: grades)
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(options with
            {
                LabelColumnName = "Grade",
                Task = LearningTask.Ordinal(),
            }));
        using var model = pipeline.Fit(train);
        var metrics = ml.FineTuning.EvaluateOrdinal(model.Transform(test), "Grade");
    }
}
