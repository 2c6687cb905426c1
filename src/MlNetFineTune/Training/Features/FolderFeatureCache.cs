using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune;

public abstract partial record FeatureCache
{
    private sealed record FolderFeatureCache : FeatureCache
    {
        private readonly string _path;

        public FolderFeatureCache(string path)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(path);
            _path = Path.GetFullPath(path);
        }

        internal override bool IsInFolder => true;

        internal override IFeatureStore Open(Func<ContentHash> identity, FeatureLayout layout, IChannel channel)
        {
            var key = ContentHash.Of($"{identity()} {layout}", []);
            var folder = Path.Combine(_path, key.ToString()[..32]); // one folder per network: no others are opened
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
}
