using MlNetFineTune.Backbones;
using MlNetFineTune.Heads;
using MlNetFineTune.Images;
using MlNetFineTune.Rows;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The way from pictures to the lowest trainable stage: decode, normalise, and the frozen stages, folded and without gradients.</summary>
internal sealed class FrozenTrunk(ImageClassifier classifier, int stages, long seed, int workers) : IDisposable
{
    private readonly ImageEncoder _encoder = new(classifier.Definition.Preprocessing);
    private readonly PixelNormalizer _normalizer = new(classifier.Definition.Preprocessing, classifier.Device);

    public BatchLoader LoaderFor(TrainingRows rows) => new(rows.Images, _encoder, seed, workers);

    public long Seed => seed;

    /// <summary>[N, 3, H, W], channels-last. Caller disposes.</summary>
    public Tensor Normalize(Batch batch) => _normalizer.Normalize(batch.Pixels, batch.Count);

    /// <summary>Through the frozen stages.</summary>
    /// <param name="pixels">Handed over: they come back if nothing is frozen, and are disposed else.</param>
    /// <returns>Caller disposes.</returns>
    public Tensor Forward(Tensor pixels)
    {
        using var noGradients = no_grad();
        if (stages == 0)
            return pixels;
        using (pixels)
            return classifier.Backbone.Forward(pixels, 0, stages);
    }

    /// <summary>Bytes that one picture's features take.</summary>
    public long FeatureBytes()
    {
        var size = classifier.Definition.Preprocessing.Size;
        using var noGradients = no_grad();
        using var blank = zeros(1, 3, size, size, device: classifier.Device);
        using var features = classifier.Backbone.Forward(blank, 0, stages);
        return features.numel() * sizeof(float);
    }

    public void Dispose() => _normalizer.Dispose();
}
