using System.Runtime.InteropServices;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Data;

/// <summary>
/// Mean and standard deviation of a table's numbers over the training rows without missing values, by Welford's method (Welford 1962,
/// https://doi.org/10.1080/00401706.1962.10490022), which is accurate if the mean is large relative to the deviation.
/// </summary>
/// <param name="Means">Mean of each number; 0 without values.</param>
/// <param name="Deviations">Standard deviation of each number; 1 for a constant.</param>
/// <param name="Known">Number of rows with a value.</param>
internal sealed record TableStatistics(float[] Means, float[] Deviations, int[] Known)
{
    /// <param name="training">Rows of a dataset with a table beside its pictures.</param>
    /// <param name="columns">Columns of the table, in the order of the encoding.</param>
    public static TableStatistics Of(RowSubset training, IReadOnlyList<ModuleContext.InputShape> columns)
    {
        int[] places = [.. PlacesOf(columns)];
        var (means, squares, known) = (new double[places.Length], new double[places.Length], new int[places.Length]);
        var inputs = training.Source.Inputs;
        var bytes = new byte[inputs.BesideLength];
        foreach (var row in training.Rows)
        {
            if (inputs.EncodeBeside(row, bytes, columnsAlone: true) is not null)
                continue; // a bad row, which is not used for training
            var values = MemoryMarshal.Cast<byte, float>(bytes);
            for (var i = 0; i < places.Length; i++)
            {
                var value = values[places[i]];
                if (float.IsNaN(value))
                    continue; // missing
                var distance = value - means[i];
                means[i] += distance / ++known[i];
                squares[i] += distance * (value - means[i]);
            }
        }
        return new([.. means.Select(mean => (float)mean)], [.. squares.Select((sum, i) => DeviationOf(sum, known[i]))], known);
    }

    // A deviation that is 0 as a float must not divide.
    private static float DeviationOf(double sumOfSquares, int count) =>
        count > 0 && (float)Math.Sqrt(sumOfSquares / count) is > 0 and var deviation ? deviation : 1;

    private static IEnumerable<int> PlacesOf(IReadOnlyList<ModuleContext.InputShape> columns)
    {
        var place = 0;
        foreach (var column in columns)
        {
            for (var i = 0; i < column.Size; i++, place++)
            {
                if (column.KeyCount == 0)
                    yield return place;
            }
        }
    }
}
