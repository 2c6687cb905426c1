using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Tool;

/// <summary>ML.NET's metrics of a model on labelled rows, as a document.</summary>
internal sealed record Evaluation
{
    public required string Data { get; init; }

    /// <summary>Rows in the data, with those that cannot be read.</summary>
    public required int Rows { get; init; }

    /// <summary>Rows that cannot be read, and are in none of the metrics.</summary>
    public required int Unreadable { get; init; }

    public required double Accuracy { get; init; }

    public required double MacroAccuracy { get; init; }

    public required double F1 { get; init; }

    public required double LogLoss { get; init; }

    public required IReadOnlyList<OfClass> Classes { get; init; }

    /// <summary>A row for each true class, a column for each predicted one.</summary>
    public required IReadOnlyList<IReadOnlyList<double>> Confusion { get; init; }

    internal sealed record OfClass(string Class, long Rows, double Precision, double Recall, double F1);

    public static Evaluation Of(
        string data, int rows, int unreadable, MulticlassClassificationMetrics metrics, IReadOnlyList<string> classes)
    {
        F1Scores f1 = metrics.F1();
        ConfusionMatrix confusion = metrics.ConfusionMatrix;
        return new Evaluation
        {
            Data = data,
            Rows = rows,
            Unreadable = unreadable,
            Accuracy = metrics.MicroAccuracy,
            MacroAccuracy = metrics.MacroAccuracy,
            F1 = f1.Macro,
            LogLoss = metrics.LogLoss,
            Classes =
            [
                .. classes.Select((name, c) => new OfClass(
                    name, (long)confusion.Counts[c].Sum(), confusion.PerClassPrecision[c], confusion.PerClassRecall[c], f1.PerClass[c])),
            ],
            Confusion = confusion.Counts,
        };
    }
}
