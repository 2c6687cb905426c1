using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>
/// An input column of a module. For a column of numbers or keys its name is enough: <c>Inputs = ["Features", "Color"]</c>.
/// </summary>
public abstract record ModuleInput
{
    private protected ModuleInput(string columnName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(columnName);
        ColumnName = columnName;
    }

    /// <summary>Name of the column.</summary>
    public string ColumnName { get; }

    /// <summary>
    /// A column of numbers (Single, or a vector of Single of known size): [N, F], Float32. Or of keys: [N] (for a vector: [N, K]), Int64, 0
    /// for a missing key and 1, 2 ... for the others, as the indices of an embedding. A row with NaN or infinite numbers cannot be used: in
    /// training <see cref="FineTuningOptions.BadRows"/> applies, and its scores are NaN (ML.NET's <c>ReplaceMissingValues</c> before the
    /// trainer avoids that).
    /// </summary>
    /// <param name="name">Name of the column.</param>
    /// <param name="shape">
    /// Shape of one row, such as [T, F] for a sequence stored in row-major order in a vector of T * F numbers. Each dimension at least 1;
    /// the product must be the size of the vector. Default: the vector as it is.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty, or a dimension is below 1.</exception>
    public static ModuleInput Column(string name, params long[] shape) => new ColumnInput(name, shape);

    /// <summary>
    /// A column of pictures, as paths of files or as images from <c>LoadImages</c>: [N, 3, size, size], Float32, normalised, and in
    /// training augmented by <see cref="FineTuningOptions.Augmentation"/>.
    /// </summary>
    /// <param name="name">Name of the column.</param>
    /// <param name="preprocessing">Size, crop and normalisation.</param>
    /// <param name="folder">
    /// The folder to which relative paths refer. Default null: the current directory. Only for a column of paths: with another type of
    /// column, training fails before it reads rows.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty.</exception>
    public static ModuleInput Image(string name, ImagePreprocessing preprocessing, string? folder = null) =>
        new PictureInput(name, preprocessing, folder);

    /// <summary>
    /// A column of vectors of variable length, of Single or of keys, such as tokens or time series. It corresponds to two consecutive
    /// arguments of the module: the steps [N, T, ...], Float32 or, for keys, Int64, padded with 0 to the longest row of the batch; and a
    /// mask [N, T], Boolean, false for padding. A row with an empty vector cannot be used, as one with a missing number.
    /// </summary>
    /// <param name="name">Name of the column: a vector of known or unknown size.</param>
    /// <param name="maximumLength">
    /// Largest number of steps, at least 1. Longer rows are truncated to their first steps; the training log reports the number of
    /// truncated rows.
    /// </param>
    /// <param name="step">
    /// Shape of one step, such as [F] for F consecutive numbers. Default: single numbers, or keys. The length of a row must be a multiple
    /// of the step's size.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A length or a dimension is below 1, or the product of all is above 2^26.</exception>
    public static ModuleInput Sequence(string name, int maximumLength, params long[] step) => new SequenceInput(name, maximumLength, step);

    /// <summary>Converts a name to <see cref="Column"/> without a shape.</summary>
    /// <param name="columnName">Name of a column of numbers or keys.</param>
    public static implicit operator ModuleInput(string columnName) => Column(columnName);

    /// <summary>Checks the column of a schema shape, where sizes may be unknown.</summary>
    /// <exception cref="Exception">The column is missing or has another type; ML.NET's own error.</exception>
    internal abstract void Check(IExceptionContext context, SchemaShape schema);

    /// <summary>Creates the input for a schema.</summary>
    /// <exception cref="Exception">The column is missing or has another type; ML.NET's own error.</exception>
    internal abstract ModelInput Bind(IExceptionContext context, DataViewSchema schema);

    private SchemaShape.Column Find(IExceptionContext context, SchemaShape schema) => schema.TryFindColumn(ColumnName, out var column)
        ? column
        : throw context.ExceptSchemaMismatch("inputSchema", "module input", ColumnName);

    private DataViewSchema.Column Find(IExceptionContext context, DataViewSchema schema) => schema.GetColumnOrNull(ColumnName)
        ?? throw context.ExceptSchemaMismatch("input", "module input", ColumnName);

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

        /// <summary>Shape of one row; empty for the shape of the column.</summary>
        public IReadOnlyList<long> Shape { get; }

        internal override void Check(IExceptionContext context, SchemaShape schema)
        {
            var column = Find(context, schema);
            if (column.Kind == SchemaShape.Column.VectorKind.VariableVector)
            {
                throw context.ExceptSchemaMismatch(
                    "inputSchema", "module input", column.Name,
                    ModuleInputShapes.Expected + ", or ModuleInput.Sequence for rows of different length", column.GetTypeString());
            }
            if (!(column.IsKey || column.ItemType == NumberDataViewType.Single))
                throw context.ExceptSchemaMismatch(
                    "inputSchema", "module input", column.Name, ModuleInputShapes.Expected, column.GetTypeString());
        }

        internal override ModelInput Bind(IExceptionContext context, DataViewSchema schema)
        {
            var column = Find(context, schema);
            var found = ModuleInputShapes.Of(column)
                ?? throw context.ExceptSchemaMismatch(
                    "input", "module input", column.Name, ModuleInputShapes.Expected, column.Type.ToString());
            if (Shape.Count == 0)
                return new NumberInput(found);
            var size = Shape.Aggregate(1L, (size, dimension) => size * dimension);
            return size == found.Size
                ? new NumberInput(found with { Dimensions = Shape })
                : throw context.Except(
                    $"Input '{column.Name}' is stated as [{string.Join(", ", Shape)}], {size} numbers, but the column has {found.Size}.");
        }
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

        private ImageColumn Pictures => new(ColumnName, Folder, Pixels: null);

        internal override void Check(IExceptionContext context, SchemaShape schema)
        {
            _ = Find(context, schema);
            Pictures.Check(schema, context, "inputSchema");
        }

        internal override ModelInput Bind(IExceptionContext context, DataViewSchema schema) =>
            new ImageInput(Pictures, new ImageEncoder(Preprocessing), prefersFiles: false);
    }

    internal sealed record SequenceInput : ModuleInput
    {
        public SequenceInput(string name, int maximumLength, IReadOnlyList<long> step)
            : base(name)
        {
            ArgumentNullException.ThrowIfNull(step);
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumLength);
            var size = (decimal)maximumLength;
            foreach (var dimension in step)
            {
                ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension, nameof(step));
                size = size <= SequenceShape.MostNumbers ? size * dimension : size;
            }
            ArgumentOutOfRangeException.ThrowIfGreaterThan(size, SequenceShape.MostNumbers, nameof(maximumLength));
            (MaximumLength, Step) = (maximumLength, [.. step]);
        }

        public int MaximumLength { get; }

        public IReadOnlyList<long> Step { get; }

        internal override void Check(IExceptionContext context, SchemaShape schema)
        {
            var column = Find(context, schema);
            if (column.Kind == SchemaShape.Column.VectorKind.Scalar || !(column.IsKey || column.ItemType == NumberDataViewType.Single))
            {
                throw context.ExceptSchemaMismatch(
                    "inputSchema", "module input", column.Name, Data.SequenceInput.Expected, column.GetTypeString());
            }
        }

        internal override ModelInput Bind(IExceptionContext context, DataViewSchema schema)
        {
            var column = Find(context, schema);
            var keys = Data.SequenceInput.KeyCountOf(column.Type) ?? throw context.ExceptSchemaMismatch(
                "input", "module input", column.Name, Data.SequenceInput.Expected, column.Type.ToString());
            return new Data.SequenceInput(new SequenceShape(ColumnName, Step, MaximumLength, keys));
        }
    }
}
