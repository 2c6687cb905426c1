using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>The rows that have a head's label.</summary>
/// <param name="Places">Indices of the rows among all.</param>
/// <param name="Labels">Labels of these rows, row by row.</param>
internal sealed record HeadLabels(int[] Places, float[] Labels)
{
    /// <param name="labels">Labels of all rows: for each row the numbers of all heads; NaN for a missing label.</param>
    /// <param name="widths">Numbers per label of each head.</param>
    public static HeadLabels[] Split(ReadOnlySpan<float> labels, IReadOnlyList<int> widths)
    {
        var stride = widths.Sum();
        var parts = new HeadLabels[widths.Count];
        var offset = 0;
        for (var head = 0; head < widths.Count; head++)
        {
            var (places, values) = (new List<int>(), new List<float>());
            for (var row = 0; row < labels.Length / stride; row++)
            {
                var own = labels.Slice(row * stride + offset, widths[head]);
                if (float.IsNaN(own[0]))
                    continue;
                places.Add(row);
                values.AddRange(own);
            }
            parts[head] = new HeadLabels([.. places], [.. values]);
            offset += widths[head];
        }
        return parts;
    }
}

/// <summary>Selects the rows and labels of one head.</summary>
internal static class HeadRows
{
    /// <param name="rows">Rows with the labels of all heads.</param>
    /// <param name="offset">Offset of the head's numbers in a label.</param>
    /// <param name="width">Length of the head's label.</param>
    /// <returns>
    /// The rows with the head's label: a view that shares the inputs of <paramref name="rows"/> and need not be disposed.
    /// </returns>
    public static RowSubset Of(RowSubset rows, int offset, int width)
    {
        var source = rows.Source.WithPartOfLabels(offset, width);
        return new RowSubset(source, [.. rows.Rows.Where(row => !float.IsNaN(source.LabelOf(row)[0]))]);
    }
}
