using MlNetFineTune.Images;
using MlNetFineTune.Rows;

namespace MlNetFineTune.Benchmarks;

internal sealed class Augment : Benchmark
{
    public override string Name => "augment";

    public override string Question => "Photos decoded and augmented to 224 px by two workers: Augmentation.Standard against its crop and flip alone.";

    public override double Run(bool quick)
    {
        using var files = new StoredRows(Path.GetTempPath());
        foreach (var path in Directory.EnumerateFiles(SharedFiles.Require("data/ants-bees/train"), "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Take(quick ? 60 : 240))
            files.Add(new Picture(new PictureHead(Path: path)));
        using var rows = new EncodedImages(files, "ImagePath", new ImageEncoder(new ImagePreprocessing()));
        var loader = new BatchLoader(rows, seed: 1, workers: 2);
        var batches = BatchLoader.Split([.. Enumerable.Range(0, rows.Count)], Networks.Batch);
        var cropAndFlip = Augmentation.Sequence(new RandomResizedCrop(minimumArea: 0.25f), new HorizontalFlip());
        var epoch = 0;

        const string standard = "Standard", alone = "its crop and flip alone";
        var timing = new PairedTiming()
            .Add(standard, () => Read(Augmentation.Standard))
            .Add(alone, () => Read(cropAndFlip))
            .Add("None", () => Read(Augmentation.None))
            .Add("Light", () => Read(Augmentation.Light))
            .Add("Strong", () => Read(Augmentation.Strong))
            .Add("crop, flip, TrivialAugmentWide", () => Read(Augmentation.Sequence(cropAndFlip, new TrivialAugmentWide())))
            .Add("crop, flip, AugMix", () => Read(Augmentation.Sequence(cropAndFlip, new AugMix())))
            .Run(rounds: quick ? 2 : 12, quick);
        timing.Print(standard);
        return timing.Ratio(standard, alone);

        int Read(Augmentation augmentation) => loader.Read(batches, augmentation, epoch++, (_, _) => { }, default).Sum(batch => batch.Count);
    }
}
