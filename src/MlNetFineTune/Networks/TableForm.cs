namespace MlNetFineTune.Networks;

/// <summary>What a <see cref="TableBranch"/> is made for.</summary>
/// <param name="Columns">Numbers and keys, in order. At least one.</param>
/// <param name="Features">Numbers that it gives for a row.</param>
/// <param name="LearnsMissingPictures">Whether it has a vector for rows without a picture.</param>
internal sealed record TableForm(IReadOnlyList<ModuleContext.InputShape> Columns, int Features, bool LearnsMissingPictures)
{
    // A billion bytes of weights: more is no table's layer, and a damaged file must not ask for memory.
    private const decimal MostWeights = 1 << 28;

    /// <exception cref="ArgumentException">Its layers would be too large.</exception>
    public TableForm Checked()
    {
        var numbers = Columns.Where(column => column.KeyCount == 0).Sum(column => (decimal)column.Size);
        var embedded = Keys.Sum(column => (decimal)column.Size * KeyEmbedding.LengthOf(column.KeyCount));
        var weights = Keys.Sum(column => (decimal)column.KeyCount * KeyEmbedding.LengthOf(column.KeyCount))
            + (2 * numbers + embedded + 1) * Features;
        return weights <= MostWeights ? this : throw new ArgumentException(
            $"The table's layers would have {weights} weights, at most {MostWeights} are possible: choose fewer columns, keys with fewer "
            + "values, or fewer TableFeatures.");
    }

    /// <summary>Numbers of one row, of all columns of numbers.</summary>
    public int Numbers => Columns.Where(column => column.KeyCount == 0).Sum(column => column.Size);

    /// <summary>The columns of keys, one embedding each.</summary>
    public IReadOnlyList<ModuleContext.InputShape> Keys => [.. Columns.Where(column => column.KeyCount > 0)];

    public TableManifest Describe() => new(Features, LearnsMissingPictures);
}

/// <summary>A table's layers, as a model file describes them. Their columns are those of the file's input, after the picture.</summary>
internal sealed record TableManifest(int Features, bool LearnsMissingPictures)
{
    // More is no table's layer, and a damaged file must not ask for memory.
    private const int MostFeatures = 1 << 16;

    /// <param name="inputs">What enters the network: the picture, then the table's columns.</param>
    /// <exception cref="ArgumentException">There is no such table.</exception>
    public TableForm FormOf(IReadOnlyList<ModuleContext.InputShape> inputs) => inputs.Count > 1 && Features is > 0 and <= MostFeatures
        ? new TableForm([.. inputs.Skip(1)], Features, LearnsMissingPictures).Checked()
        : throw new ArgumentException($"there is no table of {inputs.Count - 1} columns and {Features} features");
}
