using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;
using MlNetFineTune.WeightFiles;
using MlNetFineTune.WeightSources;
using static TorchSharp.torch;

namespace MlNetFineTune.Fuzz.Targets;

/// <summary>Files of weights.</summary>
internal static class Weights
{
    private const string Source = "input";
    private const int MostTensors = 8, MostNumbers = 1 << 14; // that are read

    private static readonly WeightsRecipe s_recipe = new(new ImagePreprocessing(), Backbone.ConvolutionPadding.Symmetric, 1e-5);
    private static readonly Lazy<Scratch> s_folder = new(Scratch.New);

    public static void SafeTensors(byte[] input)
    {
        using var file = SafeTensorsReader.Read(ByteSource.OfMemory(input), Source);
        Use(file);
    }

    // As it is, and without its checksums, which would hide what lies behind them.
    public static void TorchZip(byte[] input)
    {
        try
        {
            ReadTorchZip(input);
        }
        catch (InvalidDataException)
        {
            ReadTorchZip(WithoutChecksums(input));
        }
    }

    /// <param name="input">The pickle of a file that has two storages of 64 bytes.</param>
    public static void Pickle(byte[] input)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("archive/data.pkl", input);
            Add("archive/data/0", new byte[64]);
            Add("archive/data/1", new byte[64]);

            void Add(string name, byte[] content)
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(content);
            }
        }
        ReadTorchZip(stream.ToArray());
    }

    public static void TorchLegacy(byte[] input)
    {
        using var file = TorchLegacyReader.Read(ByteSource.OfMemory(input), Source);
        Use(file);
    }

    public static void OfTorchSharp(byte[] input)
    {
        using var file = TorchSharpReader.TryRead(ByteSource.OfMemory(input), Source, out var problem)
            ?? throw new InvalidDataException($"no file of TorchSharp: {problem}");
        Use(file);
    }

    public static void AnyFormat(byte[] input)
    {
        using var file = WeightFile.Open(s_folder.Value.Put("weights", input));
        Use(file);
    }

    // The file a.safetensors exists, with a tensor "a".
    public static void Index(byte[] input)
    {
        s_folder.Value.Put("a.safetensors", Seeds.OneTensor);
        using var file = WeightFile.Open(s_folder.Value.Put("model.safetensors.index.json", input));
        ShardNames.Parse(input, Source);
    }

    public static void TorchScript(byte[] input) => ScriptArchive.Check(input, Source);

    public static void Checkpoint(byte[] input)
    {
        var state = CheckpointFile.Parse(Encoding.UTF8.GetString(input));
        // What resuming looks at first.
        _ = state.Run.Epochs.Count + state.Best.Count + state.BadRows.Count;
        _ = FingerprintDifference.Of(state.Training, Seeds.Checkpoint().Training);
        _ = CheckpointFile.Parse(CheckpointFile.JsonOf(state));
    }

    public static void CheckpointOfFile(byte[] input)
    {
        using var file = CheckpointFile.Open(s_folder.Value.Put("checkpoint.safetensors", input));
        _ = file.Shapes.Count;
    }

    private static void ReadTorchZip(byte[] input)
    {
        using var file = TorchZipReader.Read(ByteSource.OfMemory(input), Source);
        Use(file);
    }

    // As networks do: only tensors of a shape that fits are read.
    private static void Use(WeightFile file)
    {
        s_recipe.With(file.Metadata, Source);
        foreach (var entry in file.Entries.Where(entry => Numbers(entry) is > 0 and <= MostNumbers).Take(MostTensors))
        {
            using var target = empty(entry.Shape, entry.Type);
            file.Read(entry, target);
        }
    }

    private static long Numbers(WeightEntry entry) => entry.Shape.Aggregate(1L, (product, size) => product > MostNumbers ? product
        : size > MostNumbers ? long.MaxValue : product * size);

    private static byte[] WithoutChecksums(byte[] zip)
    {
        zip = [.. zip];
        for (var at = 0; at + 20 <= zip.Length; at++)
        {
            if (zip.AsSpan(at).StartsWith("PK\u0001\u0002"u8))
                BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(at + 16), 0);
        }
        return zip;
    }
}
