using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Tasks;

/// <summary>The columns of all heads, and optionally the reason why a row could not be scored.</summary>
/// <param name="heads">Columns of the heads, and the lengths of their scores.</param>
/// <param name="status">Name of the status column; null for none.</param>
internal sealed class SeveralColumns(IReadOnlyList<(ScoreColumns Columns, int Length)> heads, string? status) : ScoreColumns
{
    private readonly int[] _counts = [.. heads.Select(head => head.Columns.Create(new DataViewSchema.Builder().ToSchema()).Length)];

    // For ML.NET's evaluators each head is a separate scorer: its score set id is one above that of the previous head.
    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input)
    {
        var all = new List<DataViewSchema.DetachedColumn>();
        foreach (var (columns, _) in heads)
        {
            var builder = new DataViewSchema.Builder();
            builder.AddColumns(input);
            foreach (var column in all)
                builder.AddColumn(column.Name, column.Type, column.Annotations);
            all.AddRange(columns.Create(builder.ToSchema()));
        }
        return [.. all, .. StatusColumns(status)];
    }

    /// <summary>Shape of the status column.</summary>
    public static SchemaShape.Column[] StatusShape(string? status) => StatusShapes(status);

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place)
    {
        var offset = 0;
        for (var head = 0; head < heads.Count; head++)
        {
            var (columns, length) = heads[head];
            if (column < _counts[head])
                return columns.Getter(column, new Part(batch, offset, length), place);
            column -= _counts[head];
            offset += length;
        }
        return StatusGetter(batch, place);
    }

    /// <summary>Scores of one head.</summary>
    private sealed class Part(IScoredRows rows, int offset, int length) : IScoredRows
    {
        public ReadOnlySpan<float> ScoresOf(int place) => rows.ScoresOf(place).Slice(offset, length);

        public ReadOnlyMemory<char> StatusOf(int place) => rows.StatusOf(place);

        public ReadOnlyMemory<char> ContextOf(int place) => rows.ContextOf(place);
    }
}
