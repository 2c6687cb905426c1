using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>
/// Where the outputs of the frozen stages (all below the lowest trained one) are cached, so that they are computed once for each row and
/// not in every epoch. Rows are identified by their contents, pictures by their bytes: duplicates of a photo are computed once. Results
/// change only by rounding, since batches consist of other pictures.
/// </summary>
/// <remarks>
/// Validation rows are always cached. Training pictures are cached if <see cref="FineTuningOptions.Augmentation"/> is
/// <see cref="Augmentation.None"/> or <see cref="Augmentation.FixedViews"/>; with other augmentations the frozen stages run in every epoch,
/// since pictures do not repeat. The logits of a teacher (<see cref="Distillation"/>) for training pictures are cached in the same way.
/// <see cref="TrainingReport.FeatureCache"/> has the numbers of computed and found rows. <c>ExtractImageFeatures</c> and
/// <c>ExtractTextFeatures</c> keep their features here as well, where <see cref="ImageFeatureOptions.FeatureCache"/> or
/// <see cref="TextFeatureOptions.FeatureCache"/> asks for it.
/// </remarks>
public abstract partial record FeatureCache
{
    private FeatureCache()
    {
    }

    /// <summary>No cache.</summary>
    public static FeatureCache None { get; } = new NoFeatureCache();

    /// <summary>In memory during the training. Rows that do not fit are computed in every epoch, which is logged. The default.</summary>
    /// <param name="megabytes">Size limit in MiB, at least 1. Default 1024.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is below 1.</exception>
    public static FeatureCache InMemory(int megabytes = 1024) => new MemoryFeatureCache(megabytes);

    /// <summary>
    /// In memory-mapped files that later trainings reuse: features are found by photo, backbone weights and preprocessing, independently of
    /// head, classes and other options. Several processes can share the folder. Files can be deleted when no training runs; damaged ones
    /// are recomputed. If the disk is full, a warning is logged and the frozen stages run in every epoch. With
    /// <see cref="FineTuningOptions.Processes"/> each process keeps the features of all rows in the folder that it sees under this path;
    /// where processes share it, one of them writes.
    /// </summary>
    /// <param name="path">Path of the folder; created if it does not exist.
    /// It grows with every new photo, view and network, and nothing is deleted.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty.</exception>
    public static FeatureCache InFolder(string path) => new FolderFeatureCache(path);

    /// <summary>Whether later trainings find the features.</summary>
    internal virtual bool IsInFolder => false;

    /// <param name="identity">
    /// Hash of everything except the row on which features depend. Computed only if the cache outlives the process.
    /// </param>
    /// <param name="layout">Layout of the features.</param>
    /// <param name="channel">Receives warnings of damaged files.</param>
    /// <exception cref="IOException">The folder cannot be created or read.</exception>
    internal abstract IFeatureStore Open(Func<ContentHash> identity, FeatureLayout layout, IChannel channel);

    private sealed record NoFeatureCache : FeatureCache
    {
        internal override IFeatureStore Open(Func<ContentHash> identity, FeatureLayout layout, IChannel channel) =>
            throw new InvalidOperationException("Nothing is kept.");

        public override string ToString() => nameof(None);
    }

    private sealed record MemoryFeatureCache : FeatureCache
    {
        private readonly int _megabytes;

        public MemoryFeatureCache(int megabytes)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(megabytes);
            _megabytes = megabytes;
        }

        internal override IFeatureStore Open(Func<ContentHash> identity, FeatureLayout layout, IChannel channel) =>
            new MemoryFeatureStore(_megabytes);

        public override string ToString() => FormattableString.Invariant($"InMemory({_megabytes})");
    }
}
