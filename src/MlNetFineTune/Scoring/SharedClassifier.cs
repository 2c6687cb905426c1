using MlNetFineTune.Heads;
using MlNetFineTune.Images;

namespace MlNetFineTune.Scoring;

/// <summary>A classifier that several scorers use, and what its pictures need. It is freed with the last of them.</summary>
internal sealed class SharedClassifier(ImageClassifier classifier)
{
    private int _users;

    public ImageClassifier Classifier { get; } = classifier;

    public PixelNormalizer Normalizer { get; } = new(classifier.Definition.Preprocessing, classifier.Device);

    public ImageEncoder Encoder { get; } = new(classifier.Definition.Preprocessing);

    /// <summary>One user more, who has not been one before, while another is.</summary>
    public void Join() => Interlocked.Increment(ref _users);

    /// <summary>One user less.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) > 0)
            return;
        Normalizer.Dispose();
        Classifier.Dispose();
    }
}
