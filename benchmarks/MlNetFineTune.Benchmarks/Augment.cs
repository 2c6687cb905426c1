using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Benchmarks;

internal sealed class Augment : Benchmark
{
    public override string Name => "augment";

    public override string Question =>
        "Photos decoded and augmented to 224 px by two workers: Augmentation.Standard against its crop and flip alone.";

    public override double Run(bool quick)
    {
        var paths = Photos.Paths(quick ? 60 : 240);
        var preprocessing = new ImagePreprocessing();
        var cropAndFlip = Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea: 0.25f), Augmentation.HorizontalFlip());
        var epoch = 0;

        const string standard = "Standard", alone = "its crop and flip alone";
        var timing = new PairedTiming()
            .Add(standard, () => Read(Augmentation.Standard))
            .Add(alone, () => Read(cropAndFlip))
            .Add("None", () => Read(Augmentation.None))
            .Add("Light", () => Read(Augmentation.Light))
            .Add("Strong", () => Read(Augmentation.Strong))
            .Add("crop, flip, TrivialAugmentWide", () => Read(Augmentation.Sequence(cropAndFlip, Augmentation.TrivialAugmentWide())))
            .Add("crop, flip, AugMix", () => Read(Augmentation.Sequence(cropAndFlip, Augmentation.AugMix())))
            .Run(rounds: quick ? 2 : 12, quick);
        timing.Print(standard);
        return timing.Ratio(standard, alone);

        int Read(Augmentation augmentation) => Photos.Decode(paths, preprocessing, augmentation, epoch++).Count;
    }
}
