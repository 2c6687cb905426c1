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

/// <summary>The training rows with the label of one head.</summary>
internal static class HeadRows
{
    /// <param name="training">Rows with the labels of all heads.</param>
    /// <param name="part">The rows that have the head's label.</param>
    /// <returns>A subset that shares the inputs of <paramref name="training"/>; not disposed.</returns>
    public static RowSubset Of(RowSubset training, HeadLabels part)
    {
        var width = part.Places.Length == 0 ? 1 : part.Labels.Length / part.Places.Length;
        int[] rows = [.. part.Places.Select(place => training.Rows[place])];
        var source = training.Source;
        var labels = new float[source.Count * width];
        Array.Fill(labels, float.NaN);
        for (var i = 0; i < rows.Length; i++)
            part.Labels.AsSpan(i * width, width).CopyTo(labels.AsSpan(rows[i] * width));
        return new RowSubset(
            new LabeledData(source.Inputs, labels, source.Ordinals, source.Groups, source.WithoutLabel, source.Weights, width), rows);
    }
}
