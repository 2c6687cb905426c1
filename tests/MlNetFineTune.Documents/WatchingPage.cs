using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/watching.md.</summary>
internal static class WatchingPage
{
    public static ImageFineTuningOptions Run()
    {
        var options = new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights("mobilenetv2_100.safetensors"),
            RunFolder = "runs/1",
        };
        return options;
    }

    public static ImageFineTuningOptions Rate(MLContext ml, IDataView photos, ImageFineTuningOptions options)
    {
        LearningRateSearch search = ml.FineTuning.FindLearningRate(photos, options); // the label as Fit takes it; without Task, a key
        search.SaveChart("learning-rate.svg");
        options = options with { LearningRate = search.Suggestion };
        return options;
    }

    public static void BatchSize(MLContext ml, IDataView photos, ImageFineTuningOptions options)
    {
        BatchSizeSearch search = ml.FineTuning.FindBatchSize(photos, options);
        foreach (var trial in search.Trials)
            Console.WriteLine($"{trial.BatchSize,4}: {trial.RowsPerSecond:0} rows a second, {trial.PeakBytes >> 20} MiB");
        search.SaveChart("batch-size.svg");
    }
}
