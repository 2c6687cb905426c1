namespace MlNetFineTune.Transforms;

/// <summary>Names of the columns of tokens. Null: there is no such column.</summary>
/// <param name="Ids">Token ids.</param>
/// <param name="Mask">1 for tokens, 0 for padding.</param>
/// <param name="Types">1 for tokens of the second text.</param>
/// <param name="Tokens">Tokens as text.</param>
/// <param name="Offsets">First character of each token, and the one after its last.</param>
/// <param name="Status">The reason why a row has no tokens.</param>
/// <param name="IsPadded">Whether vectors have the maximum length.</param>
internal sealed record TokenizedColumnNames(
    string Ids, string? Mask, string? Types, string? Tokens, string? Offsets, string? Status, bool IsPadded)
{
    /// <exception cref="ArgumentException">Two columns have the same name, or one has an empty name.</exception>
    public void Check()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in (string?[])[Ids, Mask, Types, Tokens, Offsets, Status])
        {
            if (name is null)
                continue;
            ArgumentException.ThrowIfNullOrWhiteSpace(name, "options");
            if (!names.Add(name))
                throw new ArgumentException($"Two of the columns to add are called '{name}': give each its own name.", "options");
        }
    }
}
