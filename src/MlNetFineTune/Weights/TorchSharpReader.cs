using System.Text;
using MlNetFineTune.MlNet;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// Reads the format of TorchSharp's <c>Module.save</c> (its docfx/articles/saveload.md, "TorchSharp format"): a count, then
/// for each tensor its name, type, number of dimensions and sizes, all integers LEB128-coded, and its numbers row after
/// row. It has no signature and no directory.
/// </summary>
internal static class TorchSharpReader
{
    private const int MaximumNameLength = 4096;
    private const int MaximumDimensions = 16;

    /// <param name="bytes">The file. The result owns it.</param>
    /// <param name="source">Name for messages.</param>
    /// <param name="problem">Why the file is not of this format; empty where it is.</param>
    /// <returns>Null where the file is not of this format.</returns>
    public static WeightFile? TryRead(ByteSource bytes, string source, out string problem)
    {
        var input = new BufferedBytes(bytes, 0);
        var entries = new List<WeightEntry>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            // Even a tensor without numbers takes four bytes.
            var count = ReadInteger(input);
            if (count > bytes.Length / 4)
                throw new FormatException($"it announces {count} tensors in {bytes.Length} bytes");
            for (var i = 0L; i < count; i++)
            {
                var entry = ReadEntry(input, bytes);
                if (!names.Add(entry.Name))
                    throw new FormatException($"it names tensor {SafeText.Quoted(entry.Name)} twice");
                entries.Add(entry);
            }
            if (input.Position != bytes.Length)
                throw new FormatException($"{bytes.Length - input.Position} bytes follow its last tensor");
        }
        catch (Exception e) when (e is FormatException or EndOfStreamException or DecoderFallbackException)
        {
            problem = entries.Count == 0 ? ""
                : $"after {entries.Count} tensors as TorchSharp's Module.save writes them, "
                + $"{(e is FormatException ? e.Message : "it ends, or its text is damaged")}";
            return null;
        }
        problem = "";
        return new WeightFile(source, entries, new Dictionary<string, string>(), [], [bytes]);
    }

    private static WeightEntry ReadEntry(BufferedBytes input, ByteSource bytes)
    {
        var length = ReadInteger(input);
        if (length is 0 or > MaximumNameLength)
            throw new FormatException($"a name has {length} bytes");
        var name = input.ReadText((int)length);
        var type = (ScalarType)ReadInteger(input);
        if (!ElementTypes.IsKnown(type))
            throw new FormatException($"tensor {SafeText.Quoted(name)} has the unknown type {(int)type}");
        var dimensions = ReadInteger(input);
        if (dimensions > MaximumDimensions)
            throw new FormatException($"tensor {SafeText.Quoted(name)} has {dimensions} dimensions");
        var shape = new long[dimensions];
        for (var d = 0; d < shape.Length; d++)
            shape[d] = ReadInteger(input);
        if (WeightEntry.ByteCount(shape, ElementTypes.Size(type)) is not { } size || size > bytes.Length - input.Position)
            throw new FormatException(
                $"tensor {SafeText.Quoted(name)} of shape {WeightEntry.Text(shape)} does not fit into the rest of the file");
        var entry = new WeightEntry(name, type, shape, WeightEntry.RowMajor(shape), bytes, input.Position);
        input.Position += size;
        return entry;
    }

    // Unsigned LEB128: seven bits a byte, the lowest first. Nothing here needs more than a positive long.
    private static long ReadInteger(BufferedBytes input)
    {
        var value = 0L;
        for (var shift = 0; shift < 63; shift += 7)
        {
            var part = input.ReadByte();
            value |= (long)(part & 0x7f) << shift;
            if (part < 0x80)
                return value;
        }
        throw new FormatException("an integer is longer than 63 bits");
    }
}
