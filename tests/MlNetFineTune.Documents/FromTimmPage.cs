using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/from-timm.md.</summary>
internal static class FromTimmPage
{
    public static ImageFineTuningOptions Options()
    {
        var options = new ImageFineTuningOptions
        {
            Backbone = Backbone.ResNet18.WithWeights(PretrainedWeights.FromHub("timm/resnet18.a1_in1k")),
            Strategy = Strategy.Full(layerDecay: 0.7f), // --layer-decay 0.7
            Optimizer = Optimizer.AdamW(weightDecay: 0.05f), // --opt adamw --weight-decay 0.05
            LearningRate = 1e-3f,
            Schedule = LearningRateSchedule.Cosine(warmup: 0.1f), // --sched cosine, 1 of 10 epochs warm-up
            Epochs = 10,
            Task = LearningTask.Multiclass(ClassificationLoss.CrossEntropy(smoothing: 0.1f)), // --smoothing 0.1
            Augmentation = Augmentation.Sequence(
                Augmentation.RandomResizedCrop(), Augmentation.HorizontalFlip(), Augmentation.RandAugment(count: 2, magnitude: 9),
                Augmentation.RandomErasing(0.25f), Augmentation.MixUp(0.2f)),
            GradientClipping = GradientClipping.Adaptive(0.01f), // --clip-mode agc --clip-grad 0.01
            WeightAveraging = WeightAveraging.Exponential(0.9998f), // --model-ema
        };
        return options;
    }

    public static void Back(MLContext ml, IDataView photos, ImageFineTuningOptions options)
    {
        using var model = ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(photos);
        model.SaveWeights("photos.pth"); // or photos.safetensors, with the preprocessing as metadata
    }
}
