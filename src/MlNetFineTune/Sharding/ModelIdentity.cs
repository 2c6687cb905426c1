using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Sharding;

/// <summary>SHA-256 of a model's content: of the entries of its zip, whose bytes also hold the time.</summary>
internal static class ModelIdentity
{
    /// <exception cref="InvalidOperationException">The model cannot be saved.</exception>
    public static string Of(ModelOperationsCatalog catalog, IHostEnvironment env, ITransformer model)
    {
        using var file = new TemporaryFile(env, ".zip");
        try
        {
            catalog.Save(model, inputSchema: null, file.Path);
        }
        catch (Exception e) when (e is InvalidOperationException or NotSupportedException or ArgumentException)
        {
            throw new InvalidOperationException(
                $"The model cannot be saved ({SafeText.Message(e)}), so that its scores cannot be told from another's. Set "
                + $"{nameof(ShardingOptions)}.{nameof(ShardingOptions.ModelId)} to a name that changes with the model.", e);
        }
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var sink = new HashingStream(Stream.Null, hash);
        using var zip = ZipFile.OpenRead(file.Path);
        Span<byte> length = stackalloc byte[sizeof(long)];
        foreach (var entry in zip.Entries.OrderBy(entry => entry.FullName, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(entry.FullName.Replace('\\', '/') + '\0'));
            BinaryPrimitives.WriteInt64LittleEndian(length, entry.Length);
            hash.AppendData(length);
            using var content = entry.Open();
            content.CopyTo(sink);
        }
        return ContentHash.Take(hash).ToString();
    }
}
