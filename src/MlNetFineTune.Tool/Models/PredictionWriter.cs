using System.Globalization;
using Spectre.Console;

namespace MlNetFineTune.Tool;

/// <summary>Writes predictions, and returns how many inputs could not be read.</summary>
internal static class PredictionWriter
{
    public static int WriteTable(IEnumerable<Prediction> predictions, RowKind kind)
    {
        List<Prediction> all = ProgressDisplay.While($"scoring {kind.Noun}", progress =>
        {
            var scored = new List<Prediction>();
            foreach (Prediction prediction in predictions)
            {
                scored.Add(prediction);
                progress.Show(0, $"{scored.Count} {kind.Noun}");
            }
            return scored;
        });
        var table = new Table().AddColumn("input").AddColumn("class").AddColumn(Screen.Right("probability"));
        foreach (Prediction prediction in all)
        {
            table.AddRow(
                Screen.Shown(prediction.Input),
                prediction.Class is { } name ? Screen.Shown(name) : $"[red]{Screen.Shown(prediction.Error!)}[/]",
                $"{prediction.Probability:0.000}");
        }
        Screen.Show(table);
        return all.Count(prediction => prediction.Error is not null);
    }

    public static int WriteJson(IEnumerable<Prediction> predictions) => Each(predictions, JsonOutput.Write);

    /// <summary>
    /// CSV by RFC 4180: the input, its class and probability, the reason where there is none, and each class's probability.
    /// </summary>
    public static int WriteCsv(IEnumerable<Prediction> predictions, IReadOnlyList<string> classes)
    {
        Line(["input", "class", "probability", "error", .. classes]);
        return Each(predictions, prediction => Line(
        [
            prediction.Input, prediction.Class ?? "", Number(prediction.Probability), prediction.Error ?? "",
            .. classes.Select(name => Number(prediction.Probabilities?[name])),
        ]));

        static void Line(IEnumerable<string> fields) => Console.Out.WriteLine(string.Join(',', fields.Select(Field)));
    }

    private static int Each(IEnumerable<Prediction> predictions, Action<Prediction> write)
    {
        int failed = 0;
        foreach (Prediction prediction in predictions)
        {
            write(prediction);
            failed += prediction.Error is null ? 0 : 1;
        }
        return failed;
    }

    private static string Number(float? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Field(string text) =>
        text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
