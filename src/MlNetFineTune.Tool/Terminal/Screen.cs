using Microsoft.ML;
using Microsoft.ML.Data;
using Spectre.Console;

namespace MlNetFineTune.Tool;

/// <summary>Text for people: tables and lines, on standard output, or on standard error while that has JSON.</summary>
internal static class Screen
{
    // Wider confusion matrices do not fit a screen.
    private const int MostColumns = 16;

    private const int LineOfFile = 10_000;

    public static void Title(string text)
    {
        AnsiConsole.WriteLine();
        AnsiConsole.MarkupLine($"[bold]{Markup.Escape(text)}[/]");
    }

    /// <summary>A line as it is, of any length.</summary>
    public static void Line(string text) => AnsiConsole.Profile.Out.Writer.WriteLine(text);

    /// <param name="trainLabels">The label of each training row.</param>
    /// <param name="testLabels">The label of each test row; null without test data.</param>
    public static void ShowClasses(IReadOnlyList<string> trainLabels, IReadOnlyList<string>? testLabels)
    {
        ILookup<string, string> train = trainLabels.ToLookup(label => label), test = (testLabels ?? []).ToLookup(label => label);
        var table = new Table().AddColumn("class").AddColumn(Right("train"));
        if (testLabels is not null)
            table.AddColumn(Right("test"));
        foreach (string label in trainLabels.Union(testLabels ?? []))
            AddRow(Shown(label), train[label].Count(), test[label].Count());
        AddRow("all", trainLabels.Count, testLabels?.Count ?? 0);
        Show(table);

        void AddRow(string name, int inTrain, int inTest) =>
            table.AddRow([name, $"{inTrain}", .. testLabels is null ? (string[])[] : [$"{inTest}"]]);
    }

    public static void ShowTraining(TrainingReport report, string rows)
    {
        string end = report.End switch
        {
            TrainingReport.EndReason.Stopped => "stopped as asked",
            TrainingReport.EndReason.EarlyStopped => "stopped early",
            TrainingReport.EndReason.TimeBudgetSpent => "stopped at the end of its time",
            TrainingReport.EndReason.Diverged => "stopped as it diverged",
            _ => "done",
        };
        Line($"Training {end} after {report.Duration.TotalSeconds:0.0} s; "
            + (report.BestEpoch == 0 ? "no epoch was complete."
                : report.ValidationRows == 0 ? $"the model is that of epoch {report.BestEpoch}."
                : $"the model is that of epoch {report.BestEpoch}, the best on the validation {rows}."));
    }

    public static void ShowMetrics(MulticlassClassificationMetrics metrics, IReadOnlyList<string> classes)
    {
        F1Scores f1 = metrics.F1();
        Line($"accuracy {metrics.MicroAccuracy:0.000}, mean accuracy of the classes {metrics.MacroAccuracy:0.000}, "
            + $"F1 {f1.Macro:0.000}, log-loss {metrics.LogLoss:0.000}");

        ConfusionMatrix confusion = metrics.ConfusionMatrix;
        bool showsConfusion = classes.Count <= MostColumns;
        if (showsConfusion)
            Line("Confusion matrix: a row for each true class, a column for each predicted one");
        var table = new Table().AddColumn("true class");
        foreach (string name in showsConfusion ? classes : [])
            table.AddColumn(Right(Shown(name)));
        table.AddColumn(Right("precision")).AddColumn(Right("recall")).AddColumn(Right("F1"));
        for (int c = 0; c < classes.Count; c++)
        {
            IEnumerable<string> counts = showsConfusion
                ? confusion.Counts[c].Select((count, predicted) => predicted == c ? $"[bold]{count:0}[/]" : $"{count:0}")
                : [];
            table.AddRow(
                [Shown(classes[c]), .. counts, $"{confusion.PerClassPrecision[c]:0.00}", $"{confusion.PerClassRecall[c]:0.00}",
                    $"{f1.PerClass[c]:0.00}"]);
        }
        Show(table);
    }

    public static void ShowFile(string path) => Line($"Saved: {path} ({new FileInfo(path).Length / 1024.0:0} KiB)");

    /// <summary>A table. In a file its lines are as long as its cells.</summary>
    public static void Show(Table table)
    {
        if (!AnsiConsole.Profile.Out.IsTerminal)
            AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, LineOfFile); // no name of a class, and no path, is broken
        AnsiConsole.Write(table);
    }

    public static TableColumn Right(string title) => new TableColumn(title).RightAligned();

    /// <summary>Text from outside, such as the name of a class, as a cell of a table.</summary>
    public static string Shown(string text) => Markup.Escape(SafeText.Of(text, SafeText.SentenceLength));
}
