using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>A small text model with a head for each task.</summary>
internal static class SeveralTexts
{
    public static Row[] Take(int count, int seed = 1) => [.. SmallTexts.Take(count, seed).Select((row, i) => new Row
    {
        Text = row.Text,
        KindName = row.Kind,
        GradeName = (i % 3) switch { 0 => "low", 1 => "middle", _ => "high" },
        IsGood = row.IsGood,
        Number = row.Number,
        TagNames = [.. new[] { ("ends", row.Text.EndsWith('m')), ("long", row.Text.Length > 20) }.Where(tag => tag.Item2)
            .Select(tag => tag.Item1)],
    })];

    public static IDataView View(MLContext ml, Row[] rows)
    {
        var data = ml.Data.LoadFromEnumerable(rows);
        return ml.Transforms.Conversion.MapValueToKey("Kind", nameof(Row.KindName), keyData: Keys("bad", "good"))
            .Append(ml.Transforms.Conversion.MapValueToKey("Grade", nameof(Row.GradeName), keyData: Keys("low", "middle", "high")))
            .Append(ml.Transforms.Conversion.MapValueToKey("Tags", nameof(Row.TagNames), keyData: Keys("ends", "long")))
            .Fit(data).Transform(data);

        IDataView Keys(params string[] names) => ml.Data.LoadFromEnumerable(names.Select(name => new KeyName { Name = name }));
    }

    public static FineTuningTransformer Fit(MLContext ml) => ml.FineTuning.FineTuneText(SmallTexts.Options with
    {
        Epochs = 2,
        Task = LearningTask.Several(
            new("Kind", LearningTask.Multiclass()), new("Grade", LearningTask.Ordinal()), new("Number", LearningTask.Regression()),
            new("IsGood", LearningTask.Binary()), new("Tags", LearningTask.MultiLabel())),
    }).Fit(View(ml, Take(64)));

    internal sealed class Row
    {
        public string Text { get; set; } = "";

        public string KindName { get; set; } = "";

        public string GradeName { get; set; } = "";

        public bool IsGood { get; set; }

        public float Number { get; set; }

        public string[] TagNames { get; set; } = [];
    }

    private sealed class KeyName
    {
        public string Name { get; set; } = "";
    }
}
