using MlNetFineTune.Augmentations;
using MlNetFineTune.Heads;
using MlNetFineTune.Images;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>Encoded pictures to class probabilities, from any number of threads. The network is freed with the last scorer that shares it.</summary>
internal sealed class ImageScorer : IDisposable
{
    private readonly SharedClassifier _network;
    // Scoring reads, disposing writes: nobody's tensors vanish in the middle of a forward pass.
    private readonly ReaderWriterLockSlim _use = new();
    private bool _disposed;

    /// <param name="network">Prepared for scoring.</param>
    /// <param name="classes">Length of a row's probabilities.</param>
    /// <param name="views">Of each picture, at least one; their probabilities are averaged.</param>
    public ImageScorer(SharedClassifier network, int classes, IReadOnlyList<Augmentation> views)
    {
        network.Join();
        _network = network;
        Classes = classes;
        Views = views;
    }

    public int Classes { get; }

    public IReadOnlyList<Augmentation> Views { get; }

    public bool IsOnGpu => _network.Classifier.Device.type == DeviceType.CUDA;

    public ImageEncoder Encoder => _network.Encoder;

    /// <summary>Another scorer on the same network. Disposing either leaves the other as it is.</summary>
    public ImageScorer Share(IReadOnlyList<Augmentation> views)
    {
        using var lease = Lease();
        return new ImageScorer(_network, Classes, views);
    }

    /// <param name="pixels">[count, views, size, size, 3].</param>
    /// <param name="count">At least 1.</param>
    /// <param name="probabilities">[count, <see cref="Classes"/>].</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Score(ReadOnlySpan<byte> pixels, int count, Span<float> probabilities)
    {
        using var lease = Lease();
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var result = _network.Classifier.Probabilities(_network.Normalizer.Normalize(pixels, count * Views.Count));
        if (Views.Count > 1)
            result = result.view(count, Views.Count, Classes).mean([1]); // [count, views, classes] -> [count, classes]
        result.cpu().data<float>().CopyTo(probabilities);
    }

    /// <summary>Reads the network's tensors while nobody can dispose them.</summary>
    public void Read(Action<ImageClassifier> action)
    {
        using var lease = Lease();
        action(_network.Classifier);
    }

    public void Dispose()
    {
        _use.EnterWriteLock();
        try
        {
            if (_disposed)
                return;
            _disposed = true;
            _network.Leave();
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
