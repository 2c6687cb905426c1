namespace MlNetFineTune.Documents;

/// <summary>Code of docs/choosing.md.</summary>
internal static class ChoosingPage
{
    public static ImageFineTuningOptions[] Both()
    {
        var first = new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights("mobilenetv2_100.safetensors"),
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.None, // features are computed once per photo
            Epochs = 5,
        };
        var second = first with { Strategy = Strategy.ProbeThenFull(), Augmentation = Augmentation.Light };
        return [first, second];
    }
}
