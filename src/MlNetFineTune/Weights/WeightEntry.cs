using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>One tensor of a weight file: what it is, and where its numbers lie. Every format comes down to this.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Type">Element type in the file.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Strides">Numbers, not bytes, from one index to the next; in row-major order unless a view was saved.</param>
/// <param name="Bytes">Source of the numbers, owned by the <see cref="WeightFile"/>.</param>
/// <param name="Offset">Byte of the first number.</param>
internal sealed record WeightEntry(string Name, ScalarType Type, long[] Shape, long[] Strides, ByteSource Bytes, long Offset)
{
    /// <summary>libtorch's own limit for most operations.</summary>
    public const int MaximumDimensions = 64;

    /// <summary>
    /// Count of numbers from the first to the last element in the file, both included.
    /// </summary>
    public long Span => Shape.Contains(0) ? 0 : 1 + Shape.Zip(Strides, (length, stride) => (length - 1) * stride).Sum();

    /// <summary>Name and shape, for messages.</summary>
    public string Describe() => $"{SafeText.Of(Name)} {Text(Shape)}";

    /// <summary>A shape, for messages.</summary>
    public static string Text(IReadOnlyCollection<long> shape) => SafeText.Shape(shape);

    /// <summary>Strides of numbers that lie row after row.</summary>
    public static long[] RowMajor(long[] shape)
    {
        var strides = new long[shape.Length];
        var stride = 1L;
        for (var d = shape.Length - 1; d >= 0; d--)
        {
            strides[d] = stride;
            stride *= Math.Max(shape[d], 1);
        }
        return strides;
    }

    /// <summary>Bytes of a tensor; null where that is no number at all, as in a file made to harm.</summary>
    public static long? ByteCount(IEnumerable<long> shape, int elementSize)
    {
        var size = (Int128)elementSize;
        foreach (var dimension in shape)
        {
            size *= dimension;
            if (dimension < 0 || size > long.MaxValue)
                return null;
        }
        return (long)size;
    }
}
