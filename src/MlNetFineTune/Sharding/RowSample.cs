using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Sharding;

/// <summary>
/// Hash of the texts, numbers and Booleans of a row, by which shards notice that they read other data or another order. Vectors and
/// pictures are left out: reading them may be expensive.
/// </summary>
internal sealed class RowSample
{
    private readonly List<Action<IncrementalHash>> _values;

    /// <param name="row">A cursor; its active columns are read.</param>
    public RowSample(DataViewRow row) => _values = [.. row.Schema.Where(row.IsColumnActive)
        .Select(column => Generic.Invoke(column.Type.RawType, new OfColumn(row, column))).OfType<Action<IncrementalHash>>()];

    /// <summary>The hash of the current row.</summary>
    public ContentHash Take()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var append in _values)
            append(hash);
        return ContentHash.Take(hash);
    }

    private sealed class OfColumn(DataViewRow row, DataViewSchema.Column column) : Generic.IFunction<Action<IncrementalHash>?>
    {
        public Action<IncrementalHash>? Invoke<T>()
        {
            if (typeof(T) == typeof(ReadOnlyMemory<char>))
            {
                var text = row.GetGetter<ReadOnlyMemory<char>>(column);
                ReadOnlyMemory<char> read = default;
                return hash =>
                {
                    text(ref read);
                    AppendBytes(hash, read.Length); // so that two texts are not the same as one
                    hash.AppendData(MemoryMarshal.AsBytes(read.Span));
                };
            }
            if (!typeof(T).IsPrimitive)
                return null;
            var number = row.GetGetter<T>(column);
            T value = default!;
            return hash =>
            {
                number(ref value);
                AppendBytes(hash, value);
            };
        }

        // Of a primitive type, whose bytes are its value.
        private static void AppendBytes<T>(IncrementalHash hash, T value) =>
            hash.AppendData(MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<T, byte>(ref value), Unsafe.SizeOf<T>()));
    }
}
