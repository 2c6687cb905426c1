using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace MlNetFineTune.Tool;

/// <summary>The part to copy: an ML.NET pipeline that fine-tunes a network into a classifier.</summary>
internal static class ClassifierTraining
{
    /// <param name="ml">The context.</param>
    /// <param name="rows">The column Label, and ImagePath or Text.</param>
    /// <param name="options">Backbone, strategy, epochs and so on.</param>
    public static TransformerChain<KeyToValueMappingTransformer> Fit(MLContext ml, IDataView rows, FineTuningOptions options)
    {
        var trainers = ml.MulticlassClassification.Trainers;
        FineTuningTrainer trainer = options switch
        {
            ImageFineTuningOptions photos => trainers.FineTuneImages(photos),
            TextFineTuningOptions texts => trainers.FineTuneText(texts),
            _ => throw new NotSupportedException($"{options.GetType().Name} are options of other inputs than photos and texts."),
        };
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(trainer)
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));

        return pipeline.Fit(rows);
    }
}
