using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>
/// Where the output of the frozen stages (all below the lowest that trains) is kept, so that each row goes through them once and not in
/// every epoch. Rows are told apart by their contents, pictures by their bytes: the same photo twice is computed once.
/// It changes the time that a training takes, and its result only by rounding, where other pictures share a batch.
/// </summary>
/// <remarks>
/// Validation is always kept. Training pictures are where <see cref="FineTuningOptions.Augmentation"/> is <see cref="Augmentation.None"/>
/// or <see cref="Augmentation.FixedViews"/>; with other augmentations the frozen stages run in every epoch, since they never see a picture
/// twice. What a teacher (<see cref="Distillation"/>) says of training pictures is kept likewise.
/// <see cref="TrainingReport.FeatureCache"/> says what was computed and found. <c>ExtractImageFeatures</c> keeps its features here as well,
/// where <see cref="ImageFeatureOptions.FeatureCache"/> asks for it.
/// </remarks>
public abstract partial record FeatureCache
{
    private FeatureCache()
    {
    }

    /// <summary>Nothing is kept.</summary>
    public static FeatureCache None { get; } = new NoFeatureCache();

    /// <summary>In the computer's memory, while the training lasts. What does not fit is
    /// computed in every epoch, and the log says so.</summary>
    /// <param name="megabytes">Size limit in MiB, at least 1. Default 1024.</param>
    public static FeatureCache InMemory(int megabytes = 1024) => new MemoryFeatureCache(megabytes);

    /// <summary>
    /// In memory-mapped files that outlast the training: another one with the same photos, backbone weights and preprocessing
    /// finds what this one computed, whatever its head, its classes or its other options. Several processes may share the folder.
    /// Its files can be deleted at any time when no training runs; damaged ones are computed again. A full disk is a warning, and
    /// the frozen stages then run in every epoch.
    /// </summary>
    /// <param name="path">Path of the folder; created if it does not exist.
    /// It grows with every new photo, view and network, and nothing is deleted.</param>
    public static FeatureCache InFolder(string path) => new FolderFeatureCache(path);

    /// <param name="identity">Hash of all that features depend on beside the row. Asked for only where they outlive the process.</param>
    /// <param name="layout">Layout of the features.</param>
    /// <param name="channel">Receives warnings of damaged files.</param>
    /// <exception cref="IOException">The folder cannot be made or read.</exception>
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
