using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;

namespace PhotoDesk;

/// <summary>The part to copy: fine-tuning on rows from a database, into a chain from a photo to the name of its class.</summary>
internal static class ModelTraining
{
    /// <summary>Larger crops than usual: a defect may be a small part of the photo.</summary>
    private static readonly Augmentation Gentle =
        Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea: 0.5f), Augmentation.HorizontalFlip());

    /// <summary>Options of all trainings of a desk.</summary>
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

    /// <param name="ml">The context.</param>
    /// <param name="classes">Names of the classes, in the order of the scores.</param>
    /// <param name="rows">Training rows, streamed once in order.</param>
    /// <param name="validation">Validation rows, streamed once in order.</param>
    /// <param name="options">Options of <see cref="OptionsFor"/> with epochs etc.</param>
    /// <param name="report">The report of the training.</param>
    /// <returns>A transformer from <see cref="PhotoRow"/> to <see cref="ScoredRow"/>; the caller disposes it.</returns>
    public static TransformerChain<ITransformer> Fit(
        MLContext ml, IEnumerable<string> classes, IEnumerable<LabelledRow> rows, IEnumerable<LabelledRow> validation,
        ImageFineTuningOptions options, out TrainingReport report)
    {
        // The classes are known, so that no pass over the photos is needed to find them.
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

    /// <summary>A chain of the network and the conversion of keys to names. Takes ownership of the network.</summary>
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
