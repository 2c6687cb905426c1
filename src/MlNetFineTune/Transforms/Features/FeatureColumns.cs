using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Transforms;

/// <summary>The vector of features with slot names and, if it has a name, a column with the reason why a row could not be read.</summary>
/// <param name="output">Name of the column of features.</param>
/// <param name="status">Name of the column of reasons; null for none.</param>
/// <param name="names">Names of the features.</param>
internal sealed class FeatureColumns(string output, string? status, IReadOnlyList<string> names) : ScoreColumns
{
    private readonly VBuffer<ReadOnlyMemory<char>> _slots = new(names.Count, [.. names.Select(name => name.AsMemory())]);

    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.AddSlotNames(_slots.Length, (ref VBuffer<ReadOnlyMemory<char>> value) => _slots.CopyTo(ref value));
        return
        [
            new(output, new VectorDataViewType(NumberDataViewType.Single, _slots.Length), annotations.ToAnnotations()),
            .. StatusColumns(status),
        ];
    }

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place) => column == 0
        ? (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => Scores.Copy(batch.ScoresOf(place()), ref value))
        : StatusGetter(batch, place);

    /// <summary>The same columns for an estimator, before the network is loaded.</summary>
    public static SchemaShape.Column[] Shapes(string output, string? status)
    {
        var slotNames = new SchemaShape.Column(
            AnnotationUtils.Kinds.SlotNames, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, isKey: false);
        return
        [
            new(output, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, isKey: false, new SchemaShape([slotNames])),
            .. StatusShapes(status),
        ];
    }
}
