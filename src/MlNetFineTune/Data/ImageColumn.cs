using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace MlNetFineTune.Data;

/// <summary>The image column of training and scoring: which column types are accepted, and how each is read.</summary>
/// <param name="Column">Name of the column.</param>
/// <param name="Folder">Folder of relative paths; null for the current directory.</param>
/// <param name="Pixels">Format of vectors of pixels; null for other columns.</param>
internal sealed record ImageColumn(string Column, string? Folder, RawPixels? Pixels)
{
    private const string WithoutPixels =
        "String (a file's path) or Image (as LoadImages makes it) or Vector of Byte (the bytes of a JPEG, PNG ... "
        + "file; vectors of pixels need the option RawPixels)";

    private string Expected => Pixels is null ? WithoutPixels
        : $"Vector of Byte{(Pixels.White == 255 ? "" : " (but only if RawPixels.White is 255)")} or Single with {Pixels.Width} x "
            + $"{Pixels.Height} x {Pixels.ChannelCount} = {Pixels.Length} values, as RawPixels says";

    /// <summary>Finds the column.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing or has another type; ML.NET's own error.</exception>
    public DataViewSchema.Column In(DataViewSchema schema, IExceptionContext context, string parameter, string role)
    {
        var column = schema.GetColumnOrNull(Column) ?? throw context.ExceptSchemaMismatch(parameter, role, Column);
        return Accepts(column.Type) ? column
            : throw context.ExceptSchemaMismatch(parameter, role, Column, Expected, column.Type.ToString());
    }

    /// <summary>Checks the column of a schema shape, where a vector's length is not yet known.</summary>
    public void Check(SchemaShape schema, IExceptionContext context, string parameter)
    {
        if (!schema.TryFindColumn(Column, out var column))
            throw context.ExceptSchemaMismatch(parameter, "image", Column);
        var isVector = column.Kind != SchemaShape.Column.VectorKind.Scalar;
        if (column.IsKey || !AcceptsItem(column.ItemType, isVector)
            || (Pixels is not null && column.Kind == SchemaShape.Column.VectorKind.VariableVector))
            throw context.ExceptSchemaMismatch(parameter, "image", Column, Expected, column.GetTypeString());
        if (Folder is not null && column.ItemType is not TextDataViewType)
            throw context.ExceptParam(parameter,
                $"Column '{Column}' ({column.GetTypeString()}) holds pictures, not paths, "
                + $"so nothing can begin in the folder {SafeText.Quoted(Folder, SafeText.SentenceLength)}: "
                + "leave ImageFolder (of ModuleInput.Image: folder) out.");
    }

    /// <summary>The columns that a reader by <see cref="CreateReader(DataViewRow, bool)"/> needs.</summary>
    /// <inheritdoc cref="In"/>
    public DataViewSchema.Column[] ReadFrom(
        DataViewSchema schema, IExceptionContext context, string parameter, string role, bool prefersFiles)
    {
        var column = In(schema, context, parameter, role);
        return DecodedFrom.Find(schema, column) is not { } files ? [column]
            : prefersFiles ? [files.Column]
            : [column, files.Column];
    }

    /// <param name="row">The cursor that is read.</param>
    /// <param name="prefersFiles">
    /// Whether files that <c>AugmentImages</c> decoded to this column are read instead of the images; else they are read only where an
    /// image is missing, to find out why.
    /// </param>
    public PictureReader CreateReader(DataViewRow row, bool prefersFiles)
    {
        var column = row.Schema[Column];
        if (DecodedFrom.Find(row.Schema, column) is not { } files)
            return CreateReader(row, column);
        var reader = (this with { Folder = files.Folder }).CreateReader(row, files.Column);
        return prefersFiles ? reader : new ImageReader(row, column, reader);
    }

    /// <param name="row">The cursor that is read.</param>
    /// <param name="column">The column that <see cref="In"/> returned.</param>
    public PictureReader CreateReader(DataViewRow row, DataViewSchema.Column column) => column.Type switch
    {
        TextDataViewType => new PathReader(row, column, Folder),
        ImageDataViewType => new ImageReader(row, column),
        VectorDataViewType when Pixels is null => new FileBytesReader(row, column),
        VectorDataViewType { ItemType.RawType: var item } when item == typeof(byte) => new RawByteReader(row, column, Pixels!),
        _ => new RawSingleReader(row, column, Pixels!),
    };

    private bool Accepts(DataViewType type) => type is VectorDataViewType vector
        ? AcceptsItem(vector.ItemType, isVector: true) && (Pixels is null || vector.Size == Pixels.Length)
        : AcceptsItem(type, isVector: false);

    private bool AcceptsItem(DataViewType item, bool isVector) => (isVector, Pixels) switch
    {
        (false, null) => item is TextDataViewType or ImageDataViewType,
        (true, null) => item == NumberDataViewType.Byte,
        (true, { } pixels) => item == NumberDataViewType.Single || (item == NumberDataViewType.Byte && pixels.White == 255),
        _ => false,
    };
}
