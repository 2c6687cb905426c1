using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>A scored row of a multi-label model.</summary>
internal sealed class LabelSetRow
{
    public VBuffer<bool> Labels { get; set; }

    /// <summary>The same labels by name, as many as there are.</summary>
    public string[] Tags { get; set; } = [];

    public VBuffer<float> Score { get; set; }

    public VBuffer<bool> PredictedLabel { get; set; }

    public static LabelSetRow Of(bool[] labels, float[] scores, bool[] predicted, string[]? names = null) => new()
    {
        Labels = new(labels.Length, labels),
        Tags = names is null ? [] : [.. names.Where((_, index) => labels[index])],
        Score = new(scores.Length, scores),
        PredictedLabel = new(predicted.Length, predicted),
    };

    /// <param name="ml">Context of the test.</param>
    /// <param name="count">Number of labels: the size of the vectors in their type.</param>
    /// <param name="slots">Names of the scores; none where there are none.</param>
    /// <param name="labelSlots">Names of the label's slots; none where there are none.</param>
    /// <param name="rows">All of them.</param>
    public static IDataView View(MLContext ml, int count, string[]? slots, string[]? labelSlots, IEnumerable<LabelSetRow> rows)
    {
        var definition = SchemaDefinition.Create(typeof(LabelSetRow));
        definition[nameof(Labels)].ColumnType = new VectorDataViewType(BooleanDataViewType.Instance, count);
        definition[nameof(Score)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, count);
        definition[nameof(PredictedLabel)].ColumnType = new VectorDataViewType(BooleanDataViewType.Instance, count);
        Name(nameof(Score), slots);
        Name(nameof(Labels), labelSlots);
        return ml.Data.LoadFromEnumerable(rows, definition);

        void Name(string column, string[]? names)
        {
            if (names is not null)
            {
                definition[column].AddAnnotation(
                    "SlotNames", new VBuffer<ReadOnlyMemory<char>>(names.Length, [.. names.Select(name => name.AsMemory())]),
                    new VectorDataViewType(TextDataViewType.Instance, names.Length));
            }
        }
    }
}
