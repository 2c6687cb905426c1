using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace MlNetFineTune.Tool;

/// <summary>From rows to a model's file, with what it shows on the way: <c>finetune train</c>, and the quick start.</summary>
internal static partial class TrainRun
{
    private const int LongestName = 120;

    /// <exception cref="OperationCanceledException">Ctrl-C was pressed twice.</exception>
    public static TrainResult Start(MLContext ml, TrainSettings settings)
    {
        (LabeledRows train, LabeledRows? test, RowKind kind) = (settings.Train, settings.Test, settings.Train.Kind);
        if (test is not null && test.Kind != kind)
            throw new InvalidDataException($"'{train.Source}' has {kind.Noun}, and '{test.Source}' has {test.Kind.Noun}.");
        test?.RequireClassesOf(train.Labels, train.Source);
        Screen.Title(kind.Title);
        Screen.Line($"train: {train.Source}");
        if (test is not null)
            Screen.Line($"test:  {test.Source}");
        Screen.ShowClasses(train.Labels, test?.Labels);

        if (settings.Examine is { } page)
        {
            Screen.Title("Examination");
            Backbone backbone = (settings.Options as ImageFineTuningOptions)?.Backbone
                ?? throw new NotSupportedException($"An examination looks at photos, and '{train.Source}' has {kind.Noun}.");
            ExamineRun.Start(ml, train.View, test?.View, new ExaminationOptions { Backbone = backbone, ReportPath = page });
        }

        Screen.Title("Training");
        using TransformerChain<KeyToValueMappingTransformer> model = Fit(ml, train, settings.Options);
        FineTuningTransformer network = model.OfType<FineTuningTransformer>().Single();
        Screen.ShowTraining(network.Report!, kind.Noun);

        // Before anything else: what follows may fail or be ended, and the training is kept.
        Screen.Title("Model");
        ml.Model.SaveAtomically(model, train.View.Schema, settings.Output);
        Screen.ShowFile(settings.Output);
        if (settings.Card is { } card)
        {
            network.WriteCard(card);
            Screen.ShowFile(card);
        }

        Evaluation? evaluation = test is null ? null : Evaluate(Classifier.Of(ml, network), test);
        if (test is not null && settings.Options.Conformal is not null)
        {
            int toCheck = model.Transform(test.View).GetColumn<bool>("Rejected").Count(isRejected => isRejected);
            Screen.Line($"A person should check {toCheck} of {test.Labels.Count} {kind.Noun}.");
        }
        if (settings.Explain is { } folder)
            Explain(ml, model, test?.View ?? train.View, folder);
        return ResultOf(network, settings, evaluation);
    }

    private static TransformerChain<KeyToValueMappingTransformer> Fit(MLContext ml, LabeledRows rows, FineTuningOptions options)
    {
        using var keys = new CtrlC();
        using var display = new TrainingDisplay(ml, rows.Kind.Trainer, rows.Kind.Noun);
        TransformerChain<KeyToValueMappingTransformer> model = display.While(progress => ClassifierTraining.Fit(ml, rows.View, options with
        {
            Progress = progress,
            StopToken = keys.StopToken,
            CancellationToken = keys.CancellationToken,
        }));
        if (!keys.CancellationToken.IsCancellationRequested)
            return model;
        // The first time had ended the training before it saw the second.
        model.Dispose();
        throw new OperationCanceledException(keys.CancellationToken);
    }

    private static Evaluation Evaluate(Classifier classifier, LabeledRows test)
    {
        Screen.Title($"Test {test.Kind.Noun}, which the training has not seen");
        (MulticlassClassificationMetrics metrics, Evaluation document) = classifier.Evaluate(test);
        Screen.ShowMetrics(metrics, classifier.Classes);
        return document;
    }

    // Each photo with a heat map of its predicted class.
    private static void Explain(MLContext ml, ITransformer model, IDataView photos, string folder)
    {
        Directory.CreateDirectory(folder);
        using var explainer = ml.Transforms.ExplainImages("Heat", "ImagePath", model, Explanation.GradCam()).Fit(photos);
        foreach (var (row, photo) in ml.Data.CreateEnumerable<ExplainedPhoto>(explainer.Transform(photos), reuseRowObject: false).Index())
        {
            using var heat = photo.Heat;
            heat?.Save(Path.Combine(folder, NameOf(row, photo)));
        }
    }

    // Names of classes are text from outside, such as "../x": none leads out of the folder, and photos of one name stay apart by their row.
    private static string NameOf(int row, ExplainedPhoto photo)
    {
        string name = NoNameCharacter().Replace($"{photo.Label}-{Path.GetFileNameWithoutExtension(photo.ImagePath)}", "_");
        return $"{row:00000}-{name[..Math.Min(name.Length, LongestName)]}.png";
    }

    private static TrainResult ResultOf(FineTuningTransformer network, TrainSettings settings, Evaluation? evaluation)
    {
        TrainingReport report = network.Report!;
        return new TrainResult(
            Path.GetFullPath(settings.Output), settings.Card is { } card ? Path.GetFullPath(card) : null, network.Classes,
            report.TrainingRows, report.ValidationRows, report.BadRows.Count, report.End, report.BestEpoch, report.Duration.TotalSeconds,
            report.Epochs, evaluation);
    }

    [GeneratedRegex("[^A-Za-z0-9_-]")]
    private static partial Regex NoNameCharacter();

    private sealed class ExplainedPhoto
    {
        public string Label { get; set; } = "";

        public string ImagePath { get; set; } = "";

        public MLImage? Heat { get; set; }
    }
}
