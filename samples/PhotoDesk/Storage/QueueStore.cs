namespace PhotoDesk;

/// <summary>The photos that can be labelled to improve the model.</summary>
internal sealed class QueueStore(Database database)
{
    /// <summary>
    /// The newest uploaded photos without a label, each content once. Without the sides that a training does not learn from: if the least
    /// certain photos of these were labelled, models would be compared on difficult photos alone. Without contents that are labelled as
    /// another photo or as an embedded picture.
    /// </summary>
    /// <param name="most">Maximum number of photos.</param>
    public IReadOnlyList<Photo> Unlabelled(int most)
    {
        using var connection = database.Open();
        // The side is a function of the hash, and so the same for all rows of a group.
        return [.. connection.Query(PhotoStore.Read,
            $"""
            SELECT {PhotoStore.Columns} FROM photos WHERE id IN (
                SELECT max(CASE WHEN origin = 'upload' THEN id END) AS newest FROM photos WHERE side = '{PhotoSide.Training}'
                GROUP BY hash HAVING count(label) = 0 AND newest IS NOT NULL ORDER BY newest DESC LIMIT $most)
            ORDER BY id DESC
            """, ("$most", most))];
    }
}
