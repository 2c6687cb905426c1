using System.Globalization;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>Reads the file of a picture without decoding it.</summary>
internal static class PictureFile
{
    /// <param name="path">Path of the file.</param>
    /// <param name="bytes">The content of the file; the caller disposes it. Empty if a reason is returned.</param>
    /// <param name="cancellation">Cancels waiting for memory.</param>
    /// <returns>The reason why the file cannot be used; null if it can.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for memory.</exception>
    public static string? Read(string path, out PictureBytes bytes, CancellationToken cancellation = default)
    {
        bytes = default;
        if (path.Length == 0)
            return "the path is empty";
        try
        {
            if (OrdinaryFile.Refuse(path) is { } refusal)
                return refusal;
            using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
            var length = RandomAccess.GetLength(file);
            if (length == 0)
                return "the file is empty";
            if (length > int.MaxValue / 2)
                return $"the file has {length} bytes, which no picture of a sensible size needs";
            bytes = new PictureBytes((int)length, cancellation);
            bytes.Fill(file);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            bytes.Dispose();
            bytes = default;
            return Explain(e, path);
        }
    }

    private static string Explain(Exception e, string path) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file",
        PathTooLongException => string.Create(CultureInfo.InvariantCulture, $"its {path.Length} characters are too many for a path; "
                + $"a picture as Base64 text is to be turned into bytes first (Convert.FromBase64String), "
                + $"and its column into a vector of Byte"),
        UnauthorizedAccessException => "reading the file is not allowed",
        _ => SafeText.Message(e),
    };
}
