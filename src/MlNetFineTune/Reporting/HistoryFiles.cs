using System.Globalization;
using System.Text;
using System.Text.Json;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Reporting;

/// <summary>
/// The epochs as <c>history.csv</c> and <c>history.json</c>. Missing values are empty in CSV and null in JSON. Each file is replaced
/// atomically.
/// </summary>
internal static class HistoryFiles
{
    public static void Write(string folder, IReadOnlyList<TrainingReport.EpochReport> epochs)
    {
        AtomicFile.Write(Path.Combine(folder, "history.csv"), stream => stream.Write(Encoding.UTF8.GetBytes(ToCsv(epochs))));
        AtomicFile.Write(Path.Combine(folder, "history.json"), stream => WriteJson(stream, epochs));
    }

    /// <summary>A header and one line for each epoch, ended by line feeds. Numbers round-trip exactly.</summary>
    public static string ToCsv(IReadOnlyList<TrainingReport.EpochReport> epochs)
    {
        var columns = ColumnsOf(epochs);
        var text = new StringBuilder("epoch").AppendJoin("", columns.Select(column => "," + column.Name)).Append('\n');
        foreach (var epoch in epochs)
        {
            text.Append(CultureInfo.InvariantCulture, $"{epoch.Epoch}");
            foreach (var column in columns)
                text.Append(CultureInfo.InvariantCulture, $",{column.Value(epoch):R}");
            text.Append('\n');
        }
        return text.ToString();
    }

    /// <summary>An array of objects whose properties are named like the columns.</summary>
    public static void WriteJson(Stream stream, IReadOnlyList<TrainingReport.EpochReport> epochs)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        var columns = ColumnsOf(epochs);
        json.WriteStartArray();
        foreach (var epoch in epochs)
        {
            json.WriteStartObject();
            json.WriteNumber("epoch", epoch.Epoch);
            foreach (var (name, value) in columns)
            {
                if (value(epoch) is { } number && double.IsFinite(number))
                    json.WriteNumber(name, number);
                else
                    json.WriteNull(name);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    // The task's metrics between the losses and the rest.
    private static IReadOnlyList<(string Name, Func<TrainingReport.EpochReport, double?> Value)> ColumnsOf(
        IReadOnlyList<TrainingReport.EpochReport> epochs) =>
    [
        ("loss", epoch => epoch.Loss),
        ("validation_loss", epoch => epoch.ValidationLoss),
        .. epochs.SelectMany(epoch => epoch.Metrics.Keys).Distinct().Select(
            name => (MetricNames.InFiles(name),
                (Func<TrainingReport.EpochReport, double?>)(epoch => epoch.Metrics.TryGetValue(name, out var value) ? value : null))),
        ("learning_rate", epoch => epoch.LearningRate),
        ("seconds", epoch => epoch.Seconds),
    ];
}
