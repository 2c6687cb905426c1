using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>A column that enters a module. The name of a column of numbers or keys is enough: <c>Inputs = ["Features",
/// "Color"]</c>.</summary>
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
    /// Numbers (Single, or a vector of Single of known size): [N, F], type Float32. Or keys: [N] (a vector: [N, K]), type Int64, 0 for a
    /// missing key and 1, 2 ... for the others, as an embedding wants them. Numbers that are NaN or infinite make a row unusable: an error
    /// in training unless <see cref="FineTuningOptions.BadRows"/> allows it, and NaN scores in scoring (ML.NET's
    /// <c>ReplaceMissingValues</c> comes before, where that is not wanted).
    /// </summary>
    /// <param name="name">Of the column.</param>
    /// <param name="shape">Of one row, such as [T, F] for a sequence that lies row by row in a vector of T * F;
    /// none keeps the vector as it is.</param>
    public static ModuleInput Column(string name, params long[] shape) => new ColumnInput(name, shape);

    /// <summary>
    /// Pictures, by their files' paths or as <c>LoadImages</c> gives them: [N, 3, size, size], normalised, and in training changed by
    /// <see cref="FineTuningOptions.Augmentation"/>.
    /// </summary>
    /// <param name="name">Of the column.</param>
    /// <param name="preprocessing">Size, crop and normalisation.</param>
    /// <param name="folder">Joined before relative paths; null means the current directory. Only for a column of paths: with another kind
    /// training fails before it reads anything.</param>
    public static ModuleInput Image(string name, ImagePreprocessing preprocessing, string? folder = null) =>
        new PictureInput(name, preprocessing, folder);

    /// <summary>
    /// Vectors of different length, of Single or of keys: such as a text's tokens, or what a machine measured until it stopped. The module
    /// takes two tensors for it, one after the other: the steps [N, T, ...], Float32 or, of keys, Int64, padded by 0 to the longest row of
    /// the batch; and a mask [N, T], Boolean, true where a step is the row's own.
    /// An empty vector makes a row unusable, as a missing number does.
    /// </summary>
    /// <param name="name">Of the column; a vector of known or unknown size.</param>
    /// <param name="maximumLength">Steps that enter at most, at least 1. Of a longer row the first so many enter, and the training log says
    /// how many rows were cut.</param>
    /// <param name="step">Dimensions of one step, such as [F] for F numbers at a time that lie one after another; none for single numbers
    /// and for keys. A row must have a whole number of steps.</param>
    /// <exception cref="ArgumentOutOfRangeException">A length or a dimension is below 1, or the product of all is above 2^26.</exception>
    public static ModuleInput Sequence(string name, int maximumLength, params long[] step) => new SequenceInput(name, maximumLength, step);

    /// <summary>The column of that name.</summary>
    public static implicit operator ModuleInput(string columnName) => Column(columnName);

    /// <summary>Checks the column before there are data, when sizes may be unknown.</summary>
    /// <exception cref="Exception">It is missing or of another type; in ML.NET's words.</exception>
    internal abstract void Check(IExceptionContext context, SchemaShape schema);

    /// <summary>What enters, of data whose columns are known.</summary>
    /// <exception cref="Exception">The column is missing or of another type; in ML.NET's words.</exception>
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

        /// <summary>Empty: as the column is.</summary>
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
            new ImageInput(Pictures, new ImageEncoder(Preprocessing));
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
