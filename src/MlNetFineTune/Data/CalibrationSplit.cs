using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>
/// Draws the rows that calibrate conformal prediction from the validation rows. A plain random draw, which does not look at the labels:
/// then every validation row is a calibration row with the same probability, as the guarantee of split conformal prediction needs
/// (exchangeability). A draw for each class would over- or under-represent classes of few rows.
/// </summary>
internal static class CalibrationSplit
{
    /// <param name="validation">The validation rows.</param>
    /// <param name="share">Fraction of the rows to draw; with groups, of the groups. Above 0, below 1.</param>
    /// <param name="seed">Seed of the draw.</param>
    /// <returns>The other rows, and the drawn ones, both in the order of <paramref name="validation"/>.</returns>
    public static (RowSubset Selection, RowSubset Calibration) Split(RowSubset validation, float share, long seed)
    {
        var (selection, calibration) = Split(validation.Rows, validation.Source.Groups, share, seed);
        return (validation with { Rows = selection }, validation with { Rows = calibration });
    }

    /// <param name="rows">The validation rows.</param>
    /// <param name="groups">Group of each row of the source; null for none.</param>
    /// <param name="share">Fraction of the rows to draw; with groups, of the groups. Above 0, below 1.</param>
    /// <param name="seed">Seed of the draw.</param>
    internal static (int[] Selection, int[] Calibration) Split(int[] rows, string[]? groups, float share, long seed)
    {
        int[][] units = groups is null
            ? [.. rows.Select(row => new[] { row })]
            : [.. rows.GroupBy(row => groups[row], StringComparer.Ordinal).Select(group => group.ToArray())];
        new CountedRandom(seed, RandomStream.CalibrationRows, epoch: 0, ordinal: 0).Shuffle<int[]>(units);
        var drawn = units.Take((int)Math.Round(units.Length * (double)share)).SelectMany(unit => unit).ToHashSet();
        return ([.. rows.Where(row => !drawn.Contains(row))], [.. rows.Where(drawn.Contains)]);
    }
}
