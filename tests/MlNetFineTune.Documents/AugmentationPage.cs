namespace MlNetFineTune.Documents;

/// <summary>Code of docs/augmentation.md.</summary>
internal static class AugmentationPage
{
    public static void Options(Backbone backbone)
    {
        var options = new ImageFineTuningOptions { Backbone = backbone, Augmentation = Augmentation.Standard };

        options = options with
        {
            Augmentation = Augmentation.Sequence(
                Augmentation.RandomResizedCrop(minimumArea: 0.35f),
                Augmentation.HorizontalFlip(),
                Augmentation.Rotation(10),
                Augmentation.ColorJitter(hue: 0.05f)),
        };

        options = options with
        {
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.FixedViews(Augmentation.Standard, 4),
            Epochs = 20,
        };
    }

    public static void Sheet()
    {
        var ants = Directory.GetFiles("photos/train/ants").Take(5);
        Augmentation.Strong.SaveContactSheet(ants, "sheet.png", samples: 6, size: 160, seed: 1);
    }

    public static Augmentation Mixing()
    {
        var mixing = Augmentation.Sequence(Augmentation.Light, Augmentation.MixUp(0.2f), Augmentation.CutMix(plainEpochs: 2));
        return mixing;
    }

    public static void Views(FineTuningTransformer model)
    {
        using var better = model.WithTestTimeAugmentation(TestTimeAugmentation.Flip);
    }
}
