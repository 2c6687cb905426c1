using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;
using Spectre.Console;

namespace QuickStart;

/// <summary>Console output: tables and lines.</summary>
internal static class Screen
{
    public static void Title(string text)
    {
        AnsiConsole.WriteLine();
        AnsiConsole.MarkupLine($"[bold]{Markup.Escape(text)}[/]");
    }

    public static void ShowClasses(IReadOnlyList<string> trainLabels, IReadOnlyList<string> testLabels)
    {
        var table = new Table().AddColumn("class").AddColumn(Right("train")).AddColumn(Right("test"));
        foreach (string label in trainLabels.Union(testLabels))
            table.AddRow(Markup.Escape(label), $"{trainLabels.Count(l => l == label)}", $"{testLabels.Count(l => l == label)}");
        table.AddRow("all", $"{trainLabels.Count}", $"{testLabels.Count}");
        AnsiConsole.Write(table);
    }

    public static void ShowTraining(TrainingReport report, string rows)
    {
        string end = report.End switch
        {
            TrainingReport.EndReason.Stopped => "stopped as asked",
            TrainingReport.EndReason.EarlyStopped => "stopped early",
            _ => "done",
        };
        Console.WriteLine($"Training {end} after {report.Duration.TotalSeconds:0.0} s; "
            + (report.BestEpoch > 0 ? $"the model is that of epoch {report.BestEpoch}, the best on the validation {rows}."
                : "no epoch was complete."));
    }

    public static void ShowMetrics(MulticlassClassificationMetrics metrics, IReadOnlyList<string> classes)
    {
        F1Scores f1 = metrics.F1();
        Console.WriteLine($"accuracy {metrics.MicroAccuracy:0.000}, mean accuracy of the classes {metrics.MacroAccuracy:0.000}, "
            + $"F1 {f1.Macro:0.000}, log-loss {metrics.LogLoss:0.000}");

        ConfusionMatrix confusion = metrics.ConfusionMatrix;
        Console.WriteLine("Confusion matrix: a row for each true class, a column for each predicted one");
        var table = new Table().AddColumn("true class");
        foreach (string name in classes)
            table.AddColumn(Right(Markup.Escape(name)));
        table.AddColumn(Right("precision")).AddColumn(Right("recall")).AddColumn(Right("F1"));
        for (int c = 0; c < classes.Count; c++)
        {
            string[] counts = [.. confusion.Counts[c].Select((count, predicted) => predicted == c ? $"[bold]{count:0}[/]" : $"{count:0}")];
            table.AddRow(
                [Markup.Escape(classes[c]), .. counts, $"{confusion.PerClassPrecision[c]:0.00}", $"{confusion.PerClassRecall[c]:0.00}",
                    $"{f1.PerClass[c]:0.00}"]);
        }
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 120); // a file need not break the names of classes
        AnsiConsole.Write(table);
    }

    public static void ShowFile(string path) => Console.WriteLine($"Saved: {path} ({new FileInfo(path).Length / 1024.0:0} KiB)");

    private static TableColumn Right(string title) => new TableColumn(title).RightAligned();
}
