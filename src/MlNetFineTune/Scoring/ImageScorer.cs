using MlNetFineTune.Heads;
using MlNetFineTune.Images;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>Encoded pictures to class probabilities, from any number of threads. Owns the classifier.</summary>
internal sealed class ImageScorer : IDisposable
{
    private readonly ImageClassifier _classifier;
    private readonly PixelNormalizer _normalizer;
    // Scoring reads, disposing writes: nobody's tensors vanish in the middle of a forward pass.
    private readonly ReaderWriterLockSlim _use = new();
    private bool _disposed;

    /// <param name="classifier">Prepared for scoring.</param>
    /// <param name="classes">Length of a row's probabilities.</param>
    public ImageScorer(ImageClassifier classifier, int classes)
    {
        _classifier = classifier;
        _normalizer = new PixelNormalizer(classifier.Definition.Preprocessing, classifier.Device);
        Encoder = new ImageEncoder(classifier.Definition.Preprocessing);
        Classes = classes;
    }

    public int Classes { get; }

    public bool IsOnGpu => _classifier.Device.type == DeviceType.CUDA;

    public ImageEncoder Encoder { get; }

    /// <param name="pixels">[count, size, size, 3].</param>
    /// <param name="count">At least 1.</param>
    /// <param name="probabilities">[count, <see cref="Classes"/>].</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Score(ReadOnlySpan<byte> pixels, int count, Span<float> probabilities)
    {
        using var lease = Lease();
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var result = _classifier.Probabilities(_normalizer.Normalize(pixels, count)).cpu();
        result.data<float>().CopyTo(probabilities);
    }

    /// <summary>Reads the network's tensors while nobody can dispose them.</summary>
    public void Read(Action<ImageClassifier> action)
    {
        using var lease = Lease();
        action(_classifier);
    }

    public void Dispose()
    {
        _use.EnterWriteLock();
        try
        {
            if (_disposed)
                return;
            _disposed = true;
            _normalizer.Dispose();
            _classifier.Dispose();
        }
        finally
        {
            _use.ExitWriteLock();
        }
    }

    private ReadLease Lease()
    {
        _use.EnterReadLock();
        if (!_disposed)
            return new ReadLease(_use);
        _use.ExitReadLock();
        throw new ObjectDisposedException(nameof(ImageFineTuningTransformer), "The fine-tuned model was disposed; load it again, or dispose it later.");
    }

    private readonly ref struct ReadLease(ReaderWriterLockSlim use)
    {
        public void Dispose() => use.ExitReadLock();
    }
}
