using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Data.IO;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Sharding;

/// <summary>
/// ML.NET's binary format, by its internal saver and loader. The public <c>SaveAsBinary</c> reads up to 8,192 rows twice, to choose the
/// size of its blocks: a network would score them twice.
/// </summary>
internal static class BinaryRows
{
    // Rows that are compressed together: enough to compress well, few enough that rows with the contents of photos fit into memory.
    private const int CompressedRows = 64;

    /// <summary>The columns that <c>SaveAsBinary</c> writes: neither hidden nor of a type that the format lacks.</summary>
    public static DataViewSchema.Column[] ColumnsOf(IHostEnvironment env, DataViewSchema schema)
    {
        var saver = Saver(env);
        return [.. schema.Where(column => !column.IsHidden && saver.IsColumnSavable(column.Type))];
    }

    /// <summary>
    /// The columns with their annotations, as a file without rows. It is not compressed: the same columns are the same bytes everywhere,
    /// while those of Deflate differ between releases and platforms of .NET.
    /// </summary>
    public static byte[] WriteSchema(IHostEnvironment env, DataViewSchema.Column[] columns)
    {
        var builder = new DataViewSchema.Builder();
        foreach (var column in columns)
            builder.AddColumn(column.Name, column.Type, column.Annotations);
        using var stream = new MemoryStream();
        Write(Saver(env, CompressionKind.None), new EmptyDataView(env, builder.ToSchema()), stream);
        return stream.ToArray();
    }

    /// <summary>Writes all rows of a view to the beginning of a stream that can seek. The view is read once.</summary>
    public static void Write(IHostEnvironment env, IDataView rows, Stream stream) => Write(Saver(env), rows, stream);

    /// <summary>Reads a file. The caller disposes the result, which owns the stream.</summary>
    /// <exception cref="Exception">The file is not valid; ML.NET's own error.</exception>
    public static BinaryLoader Open(IHostEnvironment env, Stream stream) =>
        new(env, new BinaryLoader.Arguments(), stream, leaveOpen: false);

    private static void Write(BinarySaver saver, IDataView rows, Stream stream)
    {
        try
        {
            saver.SaveData(stream, rows, [.. rows.Schema.Select(column => column.Index)]);
        }
        catch (InvalidOperationException e) when (e.InnerException is { } cause)
        {
            // The saver wraps what its threads throw, and the error of a row should be that of an ordinary pass.
            ExceptionDispatchInfo.Throw(cause);
        }
    }

    private static BinarySaver Saver(IHostEnvironment env, CompressionKind compression = CompressionKind.Default) => new(env, new()
    {
        Compression = compression,
        MaxRowsPerBlock = CompressedRows,
        MaxBytesPerBlock = null,
        Silent = true,
    });
}
