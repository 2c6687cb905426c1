namespace MlNetFineTune.Data;

/// <summary>Opens the parts of a row one after another: if one fails, those before it are disposed.</summary>
internal static class OpenedParts
{
    /// <param name="parts">What is opened.</param>
    /// <param name="open">Opens one.</param>
    /// <returns>One for each part. The caller disposes them.</returns>
    public static T[] Of<TPart, T>(IEnumerable<TPart> parts, Func<TPart, T> open)
        where T : IDisposable
    {
        var opened = new List<T>();
        try
        {
            foreach (var part in parts)
                opened.Add(open(part));
            return [.. opened];
        }
        catch
        {
            opened.ForEach(one => one.Dispose());
            throw;
        }
    }
}
