namespace MlNetFineTune.Documents;

/// <summary>Code of docs/from-keras.md.</summary>
internal static class FromKerasPage
{
    public static ImageFineTuningOptions Options()
    {
        var options = new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights("mobilenetv2_100.safetensors"), // include_top=False, weights="imagenet"
            Strategy = Strategy.ProbeThenFull(probe: 0.5f, probeRate: 1, fullRate: 0.01f, layerDecay: 1), // frozen; then all at 1e-5
            Epochs = 20,
            LearningRate = 1e-3f,
            Optimizer = Optimizer.Adam(),
            Schedule = LearningRateSchedule.Constant(),
            BatchSize = 32,
            Augmentation = Augmentation.Sequence(Augmentation.HorizontalFlip(), Augmentation.Rotation(36)), // RandomRotation(0.1)
            EarlyStoppingPatience = 3, // EarlyStopping(patience=3, restore_best_weights=True)
            Validation = ValidationData.Fraction(0.2f),
        };
        return options;
    }
}
