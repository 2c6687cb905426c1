using MlNetFineTune;

namespace TextQuickStart;

/// <summary>How an encoder is fine-tuned on a few hundred texts.</summary>
internal static class Recipe
{
    private const int LongestText = 128;

    /// <summary>The tiny encoder: the head first and then everything, at ten times the usual rate.</summary>
    public static TextFineTuningOptions Tiny(TextBackbone backbone) => Common(backbone) with { Epochs = 20, LearningRate = 0.01f };

    /// <summary>Pretrained encoders of usual sizes: the defaults of the options, for longer, since the texts are few.</summary>
    public static TextFineTuningOptions Usual(TextBackbone backbone) => Common(backbone) with { Epochs = 12 };

    private static TextFineTuningOptions Common(TextBackbone backbone) => new()
    {
        Backbone = backbone,
        BatchSize = 16,
        MaximumLength = Math.Min(LongestText, backbone.MaximumLength),
    };
}
