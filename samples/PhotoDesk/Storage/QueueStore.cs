namespace PhotoDesk;

/// <summary>The photos that can be labelled to improve the model.</summary>
internal sealed class QueueStore(Database database, PhotoStore photos)
{
    /// <summary>
    /// The newest uploaded photos without a label, each content once. Without the sides that a training does not learn from: if the least
    /// certain photos of these were labelled, models would be compared on difficult photos alone. Without contents that are labelled as
    /// another photo.
    /// </summary>
    /// <param name="most">Maximum number of photos.</param>
    public IReadOnlyList<Photo> Unlabelled(int most)
    {
        using var connection = database.Open();
        var ids = connection.Query(reader => reader.GetInt64(0),
            $"""
            SELECT max(id) AS newest FROM photos WHERE origin = 'upload' AND side = '{PhotoSide.Training}'
            GROUP BY hash HAVING count(label) = 0 ORDER BY newest DESC LIMIT $most
            """, ("$most", most));
        return [.. ids.Select(photos.Find).OfType<Photo>()];
    }
}
