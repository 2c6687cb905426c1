namespace MlNetFineTune.Fuzz;

/// <summary>Inputs as bytes.</summary>
internal static class Bytes
{
    public static byte[] Of(Stream stream)
    {
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    /// <summary>The files of an input, which are separated by zero bytes, since text has none. Those that are missing are empty.</summary>
    /// <param name="input">The input.</param>
    /// <param name="count">Number of files.</param>
    public static byte[][] Parts(byte[] input, int count)
    {
        var parts = new byte[count][];
        var from = 0;
        for (var i = 0; i < count; i++)
        {
            var end = i < count - 1 ? Array.IndexOf(input, (byte)0, from) : input.Length;
            if (end < 0)
                end = input.Length;
            parts[i] = input[from..end];
            from = Math.Min(end + 1, input.Length);
        }
        return parts;
    }
}
