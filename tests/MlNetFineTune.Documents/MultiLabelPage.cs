using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/multi-label.md.</summary>
internal static class MultiLabelPage
{
    public static void Tags(MLContext ml, IDataView train, IDataView test)
    {
        var keys = ml.Transforms.Conversion.MapValueToKey("Tags").Fit(train); // Tags: string[], as many as a photo has
        using var model = ml.FineTuning.FineTuneImages(new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights("mobilenetv2_100.safetensors"),
            LabelColumnName = "Tags",
            Task = LearningTask.MultiLabel(PositiveWeights.None, DecisionThreshold.F1),
        }).Fit(keys.Transform(train));

        MultiLabelMetrics metrics = ml.FineTuning.EvaluateMultiLabel(model.Transform(keys.Transform(test)), "Tags");
    }

    public static void Folds(MLContext ml, IDataView data, ImageFineTuningOptions options)
    {
        var trainer = ml.FineTuning.FineTuneImages(options);
        foreach (var fold in ml.Data.CrossValidationSplit(data, numberOfFolds: 5))
        {
            using var model = trainer.Fit(fold.TrainSet);
            Console.WriteLine(ml.FineTuning.EvaluateMultiLabel(model.Transform(fold.TestSet), "Tags").MeanAveragePrecision);
        }
    }

    internal sealed class Tagged
    {
        public float[] Score { get; set; } = [];
        public bool[] PredictedLabel { get; set; } = [];
    }
}
