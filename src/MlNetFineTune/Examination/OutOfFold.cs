using MlNetFineTune.Primitives;

namespace MlNetFineTune.Examination;

/// <summary>
/// A stratified division of rows in folds. Rows of one group, which are near-duplicates, are in the same fold: a copy in the training rows
/// would confirm a wrong label.
/// </summary>
internal static class OutOfFold
{
    /// <param name="labels">Class of each row, from 0.</param>
    /// <param name="groups">Group of each row.</param>
    /// <param name="folds">Number of folds, at least 2.</param>
    /// <param name="seed">Seed of the division.</param>
    /// <returns>Row indices of each fold, in ascending order.</returns>
    public static int[][] Divide(int[] labels, int[] groups, int folds, long seed)
    {
        var rows = new List<int>[folds];
        for (var fold = 0; fold < folds; fold++)
            rows[fold] = [];
        var members = Enumerable.Range(0, labels.Length).GroupBy(row => groups[row]).Select(group => group.ToArray()).ToArray();
        var next = 0; // continues from class to class, so that folds have equal sizes
        foreach (var ofClass in members.Index().GroupBy(group => labels[group.Item[0]]).OrderBy(same => same.Key))
        {
            int[] order = [.. ofClass.Select(group => group.Index)];
            new CountedRandom(seed, RandomStream.Folds, epoch: 0, ordinal: ofClass.Key).Shuffle(order);
            foreach (var group in order)
                rows[next++ % folds].AddRange(members[group]);
        }
        return [.. rows.Select(fold => fold.Order().ToArray())];
    }
}
