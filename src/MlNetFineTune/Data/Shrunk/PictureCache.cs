using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using SkiaSharp;

namespace MlNetFineTune;

/// <summary>
/// Where the photos of a training are kept after they have been shrunk once, as FFCV does (Leclerc et al. 2023,
/// https://arxiv.org/abs/2306.12517): augmented epochs then cut and resize small pictures instead of decoding large files.
/// </summary>
/// <remarks>
/// Augmented pictures are always made from the shrunk ones, also in the first epoch and where nothing could be kept, so that the training
/// does not depend on the state of the cache. Unaugmented pictures (in validation, in phases without augmentation, and in scoring) are
/// decoded from the original files. Outputs of frozen stages are cached by <see cref="FeatureCache"/>.
/// </remarks>
public abstract record PictureCache
{
    private PictureCache()
    {
    }

    /// <summary>No cache: augmented pictures are made from the original files. The default.</summary>
    public static PictureCache None { get; } = new NoPictureCache();

    /// <summary>
    /// In memory-mapped files that later trainings reuse: uncompressed, upright, found by the content of the photo and
    /// <paramref name="longestSide"/>. A photo of 400 x 300 pixels takes 352 KiB. Several processes can share the folder. Files can be
    /// deleted when no training runs; damaged ones are made again. If the disk is full (a tenth of the free space is left to others), a
    /// warning is logged, and photos that are not kept are decoded in every epoch.
    /// </summary>
    /// <param name="path">Path of the folder, which can be that of <see cref="FeatureCache.InFolder"/>; created if it does not exist. It
    /// grows with every new photo and side, and nothing is deleted.</param>
    /// <param name="longestSide">
    /// Longest side of a shrunk photo in pixels; smaller photos keep their size. At least the side of the network's input, at most 4096.
    /// Default null: 16/9 of the network's side, rounded up to a multiple of 16, so that the shorter side of a photo of 16:9 fills the
    /// input: 400 for 224 pixels. A random crop of 8 % of a photo of 400 x 300 pixels has 98 pixels a side: choose a larger number where
    /// details matter.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="longestSide"/> is out of range.</exception>
    public static PictureCache InFolder(string path, int? longestSide = null) => new FolderPictureCache(path, longestSide);

    /// <summary>The cache of a training; null if pictures are not shrunk. The caller disposes it.</summary>
    internal virtual ShrunkPictures? CacheFor(ImageEncoder encoder, IHost host) => null;

    /// <exception cref="ArgumentException">Shrunk pictures would be smaller than the network's input.</exception>
    internal virtual void Check(ImagePreprocessing preprocessing)
    {
    }

    /// <summary>For the model file and the report.</summary>
    internal virtual string Description(ImagePreprocessing preprocessing) => nameof(None);

    private sealed record NoPictureCache : PictureCache
    {
        public override string ToString() => nameof(None);
    }

    private sealed record FolderPictureCache : PictureCache
    {
        private const int LargestSide = 4096;

        [NotInFingerprint("where it is kept, not what")]
        private readonly string _path;
        private readonly int? _longestSide;

        public FolderPictureCache(string path, int? longestSide)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(path);
            if (longestSide is { } side)
            {
                ArgumentOutOfRangeException.ThrowIfNegativeOrZero(side, nameof(longestSide));
                ArgumentOutOfRangeException.ThrowIfGreaterThan(side, LargestSide, nameof(longestSide));
            }
            (_path, _longestSide) = (Path.GetFullPath(path), longestSide);
        }

        internal override ShrunkPictures CacheFor(ImageEncoder encoder, IHost host)
        {
            var side = SideFor(encoder.Preprocessing);
            return new ShrunkPictures(encoder, side, () => Open(side, host));
        }

        internal override void Check(ImagePreprocessing preprocessing)
        {
            if (SideFor(preprocessing) is var side && side < preprocessing.Size)
            {
                throw new ArgumentException(
                    $"PictureCache.InFolder keeps pictures of at most {side} pixels, and the network takes {preprocessing.Size}: "
                    + "give a larger longestSide, or leave it out.", "options");
            }
        }

        internal override string Description(ImagePreprocessing preprocessing) =>
            FormattableString.Invariant($"InFolder(longestSide: {SideFor(preprocessing)})");

        public override string ToString() =>
            FormattableString.Invariant($"InFolder({_path}, longestSide: {(object?)_longestSide ?? "null"})");

        private int SideFor(ImagePreprocessing preprocessing) => _longestSide ?? (preprocessing.Size + 8) / 9 * 16;

        // Another build may decode or resize to other bits.
        private ShrunkPictureStore Open(int side, IHost host)
        {
            var key = ContentHash.Of(FormattableString.Invariant(
                $"{typeof(PictureCache).Module.ModuleVersionId} {typeof(SKCodec).Assembly.FullName} {side}"), []);
            var folder = Path.Combine(_path, key.ToString()[..32]); // one folder for each side: no others are opened
            try
            {
                Directory.CreateDirectory(folder);
                return new ShrunkPictureStore(folder, key, side, host);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new IOException($"PictureCache.InFolder: '{_path}' cannot be used: "
                    + $"{e.Message} Give a folder that can be written, or take PictureCache.None.", e);
            }
        }
    }
}
