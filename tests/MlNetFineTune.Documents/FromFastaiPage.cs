namespace MlNetFineTune.Documents;

/// <summary>Code of docs/from-fastai.md.</summary>
internal static class FromFastaiPage
{
    public static ImageFineTuningOptions Options()
    {
        var options = new ImageFineTuningOptions
        {
            Backbone = Backbone.ResNet34.WithWeights(PretrainedWeights.FromTorchvision("resnet34-b627a593.pth")),
            Strategy = Strategy.ProbeThenFull(probe: 1f / 6, probeRate: 1, fullRate: 0.5f), // fine_tune(5): 1 epoch frozen, 5 of everything
            Epochs = 6,
            LearningRate = 2e-3f,
            Schedule = LearningRateSchedule.OneCycle(warmup: 0.3f),
            BatchSize = 64,
            Augmentation = Augmentation.Sequence(
                Augmentation.RandomResizedCrop(minimumArea: 0.35f), Augmentation.HorizontalFlip(), Augmentation.Rotation(10)),
            Validation = ValidationData.Fraction(0.2f),
            RunFolder = "runs/1", // report.html: confusion matrix, top losses
        };
        return options;
    }

    public static Backbone Body()
    {
        var backbone = Backbone.FromTorchScript("body.pt", new ImagePreprocessing { Size = 224 });
        return backbone;
    }
}
