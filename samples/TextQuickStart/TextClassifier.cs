using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using MlNetFineTune;

namespace TextQuickStart;

/// <summary>The part to copy: an ML.NET pipeline that fine-tunes a text encoder, and the use of the model.</summary>
internal static class TextClassifier
{
    /// <param name="ml">The context.</param>
    /// <param name="tickets">Rows with the columns Team and Text.</param>
    /// <param name="options">Backbone, strategy, epochs and so on.</param>
    public static TransformerChain<KeyToValueMappingTransformer> Train(MLContext ml, IDataView tickets, TextFineTuningOptions options)
    {
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label", nameof(Ticket.Team))
            .Append(ml.MulticlassClassification.Trainers.FineTuneText(options))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));

        return pipeline.Fit(tickets);
    }

    /// <summary>What ML.NET does without a pretrained network: counts of words and of sequences of letters, and a linear model.</summary>
    public static ITransformer TrainWithoutNetwork(MLContext ml, IDataView tickets) =>
        ml.Transforms.Conversion.MapValueToKey("Label", nameof(Ticket.Team))
            .Append(ml.Transforms.Text.FeaturizeText("Features", nameof(Ticket.Text)))
            .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy())
            .Fit(tickets);

    public static MulticlassClassificationMetrics Evaluate(MLContext ml, ITransformer model, IDataView test) =>
        ml.MulticlassClassification.Evaluate(model.Transform(test));

    public static IReadOnlyList<TicketPrediction> Predict(MLContext ml, ITransformer model, IEnumerable<string> texts)
    {
        // By default the engine disposes the model.
        using var engine = ml.Model.CreatePredictionEngine<Ticket, TicketPrediction>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        return [.. texts.Select(text => engine.Predict(new Ticket { Text = text }))];
    }
}
