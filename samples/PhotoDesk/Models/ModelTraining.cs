using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;

namespace PhotoDesk;

/// <summary>The part to copy: fine-tuning on rows from a database, into a chain that takes a photo and answers with text.</summary>
internal static class ModelTraining
{
    /// <summary>Milder than the usual crops: a defect may be a small part of the photo.</summary>
    private static readonly Augmentation Gentle =
        Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea: 0.5f), Augmentation.HorizontalFlip());

    /// <summary>What all trainings of a desk have in common.</summary>
    public static ImageFineTuningOptions OptionsFor(Backbone backbone) => new()
    {
        Backbone = backbone,
        ImageColumnName = nameof(LabelledRow.Photo),
        ExampleWeightColumnName = nameof(LabelledRow.Weight),
        ImageStatusColumnName = nameof(ScoredRow.Status),
        Augmentation = Gentle,
        BadRows = BadRows.Skip(),
        Task = LearningTask.Multiclass(calibration: Calibration.Temperature(targetPrecision: 0.9f)),
        Seed = 1,
    };

    /// <param name="ml">Where it all happens.</param>
    /// <param name="classes">In the order of the scores.</param>
    /// <param name="rows">Enumerated once, in order, never all in memory.</param>
    /// <param name="validation">The same.</param>
    /// <param name="options">As <see cref="OptionsFor"/> makes them, with epochs and so on.</param>
    /// <param name="report">What happened.</param>
    /// <returns><see cref="PhotoRow"/> to <see cref="ScoredRow"/>; caller disposes.</returns>
    public static TransformerChain<ITransformer> Fit(
        MLContext ml, IEnumerable<string> classes, IEnumerable<LabelledRow> rows, IEnumerable<LabelledRow> validation,
        ImageFineTuningOptions options, out TrainingReport report)
    {
        // The classes are known: no pass over the photos to find them.
        var known = ml.Data.LoadFromEnumerable(classes.Select(name => new ClassName { Label = name }));
        var training = ml.Data.LoadFromEnumerable(rows);
        var toKeys = ml.Transforms.Conversion.MapValueToKey("Label", keyData: known).Fit(training);
        var keyed = toKeys.Transform(training);
        var network = ml.MulticlassClassification.Trainers
            .FineTuneImages(options with { Validation = ValidationData.Set(toKeys.Transform(ml.Data.LoadFromEnumerable(validation))) })
            .Fit(keyed);
        report = network.Report!;
        return Chain(ml, network);
    }

    /// <summary>The network, and names in the place of keys. Takes the network over.</summary>
    public static TransformerChain<ITransformer> Chain(MLContext ml, FineTuningTransformer network)
    {
        var scored = network.Transform(ml.Data.LoadFromEnumerable<PhotoRow>([]));
        return new TransformerChain<ITransformer>(
            network, ml.Transforms.Conversion.MapKeyToValue(nameof(ScoredRow.PredictedLabel)).Fit(scored));
    }

    public static DataViewSchema InputSchema(MLContext ml) => ml.Data.LoadFromEnumerable<PhotoRow>([]).Schema;

    private sealed class ClassName
    {
        public string Label { get; set; } = "";
    }
}
