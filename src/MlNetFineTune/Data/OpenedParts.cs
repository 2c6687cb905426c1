namespace MlNetFineTune.Data;

/// <summary>Opens the parts of a row; if one fails, those opened before are disposed.</summary>
internal static class OpenedParts
{
    /// <param name="parts">The parts.</param>
    /// <param name="open">Opens a part.</param>
    /// <returns>The opened parts. The caller disposes them.</returns>
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
