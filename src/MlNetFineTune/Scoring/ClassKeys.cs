using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Scoring;

/// <summary>The key values of the classes of several heads in ML.NET's binary format: the number of heads, then each head's keys.</summary>
internal static class ClassKeys
{
    public static byte[] ToBytes(IHostEnvironment env, IReadOnlyList<LabelKeys> keys)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(keys.Count);
        foreach (var one in keys)
            one.Save(env, writer);
        writer.Flush();
        return bytes.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes cannot be read.</exception>
    public static IReadOnlyList<LabelKeys> OfBytes(IHostEnvironment env, byte[] bytes)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(bytes));
            var count = reader.ReadInt32();
            if (count is < 0 or > SeveralTask.MostHeads)
                throw ArchiveFiles.Damaged($"it claims classes of {count} heads");
            var keys = new List<LabelKeys>();
            while (keys.Count < count)
                keys.Add(LabelKeys.Load(env, reader));
            var left = reader.BaseStream.Length - reader.BaseStream.Position;
            return left == 0 ? keys : throw ArchiveFiles.Damaged($"{left} bytes follow the classes of its heads");
        }
        catch (Exception e) when (
            e is FormatException or IOException or InvalidOperationException or ArgumentException or OverflowException)
        {
            throw ArchiveFiles.Damaged($"the classes of its heads cannot be read ({SafeText.Message(e)})");
        }
    }
}
