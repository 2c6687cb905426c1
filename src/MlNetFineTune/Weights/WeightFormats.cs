using System.Text;

namespace MlNetFineTune.WeightFiles;

/// <summary>Which format a file is of, by its first bytes; names of files say little.</summary>
internal static class WeightFormats
{
    private const string Known = "Known are safetensors, PyTorch's .pth, .pt and .bin (both forms), TorchSharp's own, "
        + "and an index of several safetensors files";

    public static WeightFile Open(string path)
    {
        var bytes = ByteSource.OfFile(path);
        try
        {
            if (!IsIndex(Start(bytes)))
                return OpenSingle(path, bytes);
            using (bytes)
                return ShardedReader.Read(path, bytes);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>A file that is no index of others.</summary>
    public static WeightFile OpenSingle(string path)
    {
        var bytes = ByteSource.OfFile(path);
        try
        {
            return OpenSingle(path, bytes);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private static WeightFile OpenSingle(string path, ByteSource bytes)
    {
        var start = Start(bytes);
        return start switch
        {
            _ when SafeTensorsReader.Recognizes(start) => SafeTensorsReader.Read(bytes, path),
            [(byte)'P', (byte)'K', 3, 4, ..] => TorchZipReader.Read(bytes, path),
            [0x80, < 16, 0x8a or 0x95, ..] => TorchLegacyReader.Read(bytes, path), // PyTorch's magic number, or the frame that it is in
            // 128 tensors, or 256, ...
            [0x80, < 16, ..] => TorchSharpReader.TryRead(bytes, path, out _) ?? TorchLegacyReader.Read(bytes, path),
            _ => ReadUnsigned(path, bytes, start),
        };
    }

    // TorchSharp's format has no signature, so it is whatever else can be read as such to the last byte.
    private static WeightFile ReadUnsigned(string path, ByteSource bytes, byte[] start)
    {
        if (Misunderstanding(start) is { } misunderstanding)
            throw new InvalidDataException($"'{path}' {misunderstanding}.");
        return TorchSharpReader.TryRead(bytes, path, out var problem)
            ?? throw new InvalidDataException(
                $"'{path}' is no file of weights that is known{(problem.Length > 0 ? ", or it is damaged: " + problem : "")}. {Known}.");
    }

    private static string? Misunderstanding(byte[] start)
    {
        var text = Encoding.Latin1.GetString(start);
        return start.Length == 0 ? "is empty"
            : text.StartsWith("version https://git-lfs", StringComparison.Ordinal)
            ? "is a pointer of Git LFS, not the weights themselves: fetch them with 'git lfs pull'"
            : text.TrimStart().StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase)
                || text.TrimStart().StartsWith("<html", StringComparison.OrdinalIgnoreCase)
            ? "is a web page, not weights: the download went wrong"
            : text.StartsWith("\x89HDF", StringComparison.Ordinal) ? "is an HDF5 file, as Keras writes them. " + Known
            : text.StartsWith("\x1f\x8b", StringComparison.Ordinal) ? "is compressed with gzip: unpack it first"
            : text.Length > 262 && text[257..262] == "ustar"
            ? "is a tar archive: unpack it first. If it is of PyTorch before 0.1.12, load it in Python and save it again"
            : null;
    }

    // JSON: a brace, and then a name or the end. A header of safetensors, and the count of TorchSharp's tensors, are numbers whose bytes
    // may be a blank and a brace as well.
    private static bool IsIndex(byte[] start)
    {
        if (SafeTensorsReader.Recognizes(start))
            return false;
        var text = start.AsSpan().TrimStart(" \t\r\n"u8);
        return text is [(byte)'{', ..] && text[1..].TrimStart(" \t\r\n"u8) is [] or [(byte)'"' or (byte)'}', ..];
    }

    private static byte[] Start(ByteSource bytes)
    {
        var start = new byte[Math.Min(bytes.Length, 512)];
        bytes.Read(0, start);
        return start;
    }
}
