using MlNetFineTune.MlNet;

namespace MlNetFineTune.WeightSources;

/// <summary>One commit of a hub repository in the cache, or the files that somebody placed there.
/// Whole where a config and all weights are.</summary>
internal sealed class HubFolder(PretrainedWeights.Cache cache, string repository, string revision)
{
    public const string SafeTensors = "model.safetensors";
    public const string Index = "model.safetensors.index.json";
    public const string PyTorch = "pytorch_model.bin";

    /// <summary>Maximum size of a file beside the weights: a tokenizer is the largest.</summary>
    public const int MaximumSmallBytes = 64 << 20;

    public static bool IsCommit(string revision) => revision.Length == 40 && revision.All(char.IsAsciiHexDigitLower);

    /// <param name="name">Name of the file in the repository, with its folders.</param>
    public CachedFile File(string name) =>
        new(cache.Folder, ["hub", .. repository.Split('/'), CacheName.Escape(revision), .. name.Split('/')]);

    /// <summary>Null where something is missing.</summary>
    /// <exception cref="InvalidDataException">A file exists but cannot be used.</exception>
    public LocalWeights? FindLocal()
    {
        if (FindWeights() is not { } weights)
            return null;
        var config = File(HubConfig.FileName);
        return new LocalWeights(weights.FullPath, OriginOf(weights))
        {
            Config = HubConfig.Parse(ReadSmall(config, HubConfig.MaximumBytes), config.FullPath, Processor()),
        };
    }

    /// <summary>The file of the weights, or the index of its shards; null where it or the config is missing.</summary>
    public CachedFile? FindWeights() => File(HubConfig.FileName).IsThere() ? FindFile() : null;

    /// <summary>The origin of weights, for messages.</summary>
    public string OriginOf(CachedFile weights) => $"{repository}@{(IsCommit(revision) ? revision[..7] : revision)}/{weights.Name}";

    private CachedFile? FindFile()
    {
        if (File(SafeTensors) is var single && single.IsThere())
            return single;
        if (File(Index) is var index && index.IsThere())
            return ShardNames.Parse(ReadSmall(index, ShardNames.MaximumIndexBytes), index.FullPath).All(shard => File(shard).IsThere())
                ? index
                : null;
        return File(PyTorch) is var pickled && pickled.IsThere() ? pickled : null;
    }

    private ReadOnlyMemory<byte>? Processor() =>
        File(TransformersConfig.ProcessorFileName) is var processor && processor.IsThere()
            ? (ReadOnlyMemory<byte>?)ReadSmall(processor, HubConfig.MaximumBytes)
            : null;

    private static byte[] ReadSmall(CachedFile file, int limit) => new FileInfo(file.FullPath).Length <= limit
        ? System.IO.File.ReadAllBytes(file.FullPath)
        : throw new InvalidDataException($"'{file.FullPath}' is larger than {limit} bytes.");
}
