using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

internal sealed record FolderFeatureCache : FeatureCache
{
    private readonly string _path;

    public FolderFeatureCache(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        _path = Path.GetFullPath(path);
    }

    internal override IFeatureStore Open(FrozenNetwork network, FeatureLayout layout, IChannel channel)
    {
        var key = ContentHash.Of($"{network.ComputeIdentity()} {layout}", []);
        var folder = Path.Combine(_path, key.ToString()[..32]); // one folder per network, so that files of other networks are not opened
        try
        {
            Directory.CreateDirectory(folder);
            return new FolderFeatureStore(folder, new FeatureFileForm(key, layout.Bytes), message => channel.Warning(message));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"FeatureCache.InFolder: '{_path}' cannot be used: "
                + $"{e.Message} Give a folder that can be written, or take FeatureCache.InMemory().", e);
        }
    }

    public override string ToString() => $"InFolder({_path})";
}
