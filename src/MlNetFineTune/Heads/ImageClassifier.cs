using MlNetFineTune.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Heads;

/// <summary>Backbone and head: the whole network that is trained, saved and scored. Owns both.</summary>
internal sealed class ImageClassifier(Backbone definition, BackboneNetwork backbone, ClassificationHead head) : IDisposable
{
    public Backbone Definition { get; } = definition;

    public BackboneNetwork Backbone { get; } = backbone;

    public ClassificationHead Head { get; } = head;

    public Device Device { get; private set; } = CPU;

    /// <summary>Pretrained (or random) backbone, new head.</summary>
    /// <param name="definition">The backbone, weights chosen.</param>
    /// <param name="classes">How many.</param>
    /// <param name="seed">Of random weights.</param>
    /// <param name="log">Told how the weights were found in their file.</param>
    public static ImageClassifier Create(Backbone definition, int classes, long seed, Action<string>? log = null)
    {
        var classifier = WithHead(definition, definition.CreateNetwork(seed, log), classes);
        classifier.Head.Initialize(seed);
        return classifier;
    }

    /// <summary>Uninitialised: to be filled by a weight file.</summary>
    public static ImageClassifier CreateEmpty(Backbone definition, int classes) => WithHead(definition, definition.CreateEmptyNetwork(), classes);

    private static ImageClassifier WithHead(Backbone definition, BackboneNetwork backbone, int classes)
    {
        try
        {
            return new ImageClassifier(definition, backbone, new ClassificationHead(backbone.Features, classes));
        }
        catch
        {
            backbone.Dispose();
            throw;
        }
    }

    /// <summary>Every tensor under the name the original network gives it, so that other tools find them.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> NamedTensors() =>
        [.. Backbone.NamedTensors(), ($"{Definition.Classifier}.weight", Head.weight), ($"{Definition.Classifier}.bias", Head.bias)];

    public void MoveTo(Device device)
    {
        Backbone.to(device);
        Head.to(device);
        Device = device;
    }

    /// <summary>Everything folded, in inference mode: ready to score from many threads.</summary>
    public void PrepareForScoring()
    {
        Backbone.eval();
        Head.eval();
        Backbone.Fold(Backbone.Stages.Count);
    }

    /// <summary>[N, 3, H, W] -> class probabilities [N, classes]. Caller disposes.</summary>
    public Tensor Probabilities(Tensor pixels)
    {
        // Per thread, and a scoring thread may be anybody's.
        using var inference = inference_mode();
        using var features = Backbone.forward(pixels);
        using var logits = Head.forward(features);
        return nn.functional.softmax(logits, dim: 1);
    }

    public void Dispose()
    {
        Backbone.Dispose();
        Head.Dispose();
    }
}
