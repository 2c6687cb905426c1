using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>A column that enters a module. The name of a column of numbers or keys is enough: <c>Inputs = ["Features", "Color"]</c>.</summary>
public abstract record ModuleInput
{
    private protected ModuleInput(string columnName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(columnName);
        ColumnName = columnName;
    }

    /// <summary>Its name.</summary>
    public string ColumnName { get; }

    /// <summary>
    /// Numbers (Single, or a vector of Single of known size): [N, F], type Float32. Or keys: [N] (a vector: [N, K]), type Int64, 0 for a missing key and
    /// 1, 2 ... for the others, as an embedding wants them. Numbers that are NaN or infinite make a row unusable: an error in training unless
    /// <see cref="FineTuningOptions.BadRows"/> allows it, and NaN scores in scoring (ML.NET's <c>ReplaceMissingValues</c> comes before, where that is not wanted).
    /// </summary>
    /// <param name="name">Of the column.</param>
    /// <param name="shape">Of one row, such as [T, F] for a sequence that lies row by row in a vector of T * F; none keeps the vector as it is.</param>
    public static ModuleInput Column(string name, params long[] shape) => new ColumnInput(name, shape);

    /// <summary>
    /// Pictures, by their files' paths or as <c>LoadImages</c> gives them: [N, 3, size, size], normalised, and in training changed by
    /// <see cref="FineTuningOptions.Augmentation"/>.
    /// </summary>
    /// <param name="name">Of the column.</param>
    /// <param name="preprocessing">Size, crop and normalisation.</param>
    /// <param name="folder">Joined before relative paths; null means the current directory. Only for a column of paths: with another kind
    /// training fails before it reads anything.</param>
    public static ModuleInput Image(string name, ImagePreprocessing preprocessing, string? folder = null) => new PictureInput(name, preprocessing, folder);

    /// <summary>The column of that name.</summary>
    public static implicit operator ModuleInput(string columnName) => Column(columnName);

    internal sealed record ColumnInput : ModuleInput
    {
        public ColumnInput(string name, IReadOnlyList<long> shape)
            : base(name)
        {
            ArgumentNullException.ThrowIfNull(shape);
            foreach (var dimension in shape)
                ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension, nameof(shape));
            Shape = [.. shape];
        }

        /// <summary>Empty: as the column is.</summary>
        public IReadOnlyList<long> Shape { get; }
    }

    internal sealed record PictureInput : ModuleInput
    {
        public PictureInput(string name, ImagePreprocessing preprocessing, string? folder)
            : base(name)
        {
            ArgumentNullException.ThrowIfNull(preprocessing);
            (Preprocessing, Folder) = (preprocessing, folder);
        }

        public ImagePreprocessing Preprocessing { get; }

        [NotInFingerprint("the pictures are told apart by their names and lengths")]
        public string? Folder { get; }
    }
}
