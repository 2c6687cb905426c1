using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/small-data.md.</summary>
internal static class SmallDataPage
{
    public static ImageFineTuningOptions Views()
    {
        var options = new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights("mobilenetv2_100.safetensors"),
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.FixedViews(Augmentation.Standard, 4), // four views of each photo, computed once
            Epochs = 20,
            Validation = ValidationData.Fraction(0.2f),
        };
        return options;
    }

    public static void Folds(MLContext ml, IDataView photos, IEstimator<ITransformer> pipeline)
    {
        var results = ml.MulticlassClassification.CrossValidate(photos, pipeline, numberOfFolds: 5);
        Console.WriteLine($"accuracy {results.Average(fold => fold.Metrics.MicroAccuracy):0.000}");
        foreach (var fold in results)
            (fold.Model as IDisposable)?.Dispose();
    }
}
