using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Trainers;

/// <summary>
/// The training of <see cref="FeaturePooling.Attention"/>: a query and a linear layer on the maps of a frozen network (attentive probing,
/// Chen et al. 2022, https://arxiv.org/abs/2202.03026, section 4.1). The linear layer is not used further.
/// </summary>
internal static class AttentionProbe
{
    // That of the study in docs/features.md.
    private const float LearningRate = 5e-3f;

    /// <summary>The training; null if the pooling needs none.</summary>
    /// <param name="env">Environment of the catalog.</param>
    /// <param name="column">Name of the image column.</param>
    /// <param name="backbone">The network.</param>
    /// <param name="features">The options of the extractor.</param>
    public static IEstimator<FineTuningTransformer>? Of(
        IHostEnvironment env, string column, Backbone backbone, ImageFeatureOptions features)
    {
        if (features.Pooling is not FeaturePooling.FittedAttention pooling)
            return null;
        return new FineTuningTrainer(env, new ImageFineTuningOptions
        {
            Backbone = backbone,
            Pooling = pooling.OfHead,
            Task = LearningTask.Multiclass(),
            LabelColumnName = pooling.Label,
            ImageColumnName = column,
            ImageFolder = features.ImageFolder,
            RawPixels = features.RawPixels,
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.None,
            AsksForAugmentation = false, // AugmentImages in the chain before is meant for this training too
            BadRows = BadRows.Skip(1), // their features are NaN
            LearningRate = LearningRate,
            Epochs = pooling.Epochs,
        });
    }
}
