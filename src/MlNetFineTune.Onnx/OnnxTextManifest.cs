using System.Security.Cryptography;
using MlNetFineTune.Data;

namespace MlNetFineTune.Onnx;

/// <summary>An output of a network.</summary>
/// <param name="Name">Name in the network's file, and of its column.</param>
/// <param name="Length">Numbers a row.</param>
internal sealed record OnnxTextOutput(string Name, int Length);

/// <summary>The manifest of a text network in ONNX Runtime, as JSON. Format version 1.</summary>
/// <param name="FormatVersion">Version of the format.</param>
/// <param name="Input">The columns and the tokenizer, whose vocabulary is an entry of its own.</param>
/// <param name="Outputs">The outputs, in the order of the columns.</param>
/// <param name="NetworkLength">Bytes of the network's file.</param>
/// <param name="NetworkSha256">SHA-256 of the network's file, in lower-case hexadecimal.</param>
internal sealed record OnnxTextManifest(
    int FormatVersion, TextInputManifest Input, IReadOnlyList<OnnxTextOutput> Outputs, long NetworkLength, string NetworkSha256)
{
    public const int CurrentVersion = 1;

    // Numbers a row, of all outputs: those of a batch of rows are in memory together.
    private const long MostNumbers = 1 << 20;

    /// <param name="texts">Input of the network.</param>
    /// <param name="outputs">Its outputs.</param>
    /// <param name="path">Its file.</param>
    public static OnnxTextManifest Of(TextInput texts, IReadOnlyList<OnnxTextOutput> outputs, string path) => new(
        CurrentVersion, (TextInputManifest)texts.Describe(), outputs, new FileInfo(path).Length, HashOf(path));

    public static string HashOf(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <returns>The input.</returns>
    /// <exception cref="ArgumentException">The input or the outputs are not valid.</exception>
    public TextInput CreateInput()
    {
        if (Outputs.Count == 0 || Outputs.Any(output => output is null || string.IsNullOrWhiteSpace(output.Name) || output.Length < 1)
            || Outputs.Sum(output => (long)output.Length) > MostNumbers)
        {
            throw new ArgumentException($"its {Outputs.Count} outputs are none of a network");
        }
        return (TextInput)Input.Create();
    }
}
