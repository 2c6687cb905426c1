using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/from-textclassificationtrainer.md.</summary>
internal static class FromTextClassificationTrainerPage
{
    public static void Train(MLContext ml, IDataView texts)
    {
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneText(new TextFineTuningOptions
            {
                Backbone = TextBackbone.FromFolder("all-MiniLM-L6-v2"),
                TextColumnName = "Sentence1",
                SecondTextColumnName = "Sentence2", // leave it out for single texts
                Epochs = 6,
                BatchSize = 32,
                MaximumLength = 128,
            }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        using var model = pipeline.Fit(texts);
    }
}
