using System.Globalization;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

internal sealed class Overlap : Benchmark
{
    public override string Name => "overlap";

    public override string Question =>
        "Training from photo files against the best the machine can give: "
        + "on a CPU, which decoding and training share, 1 / (1 / decoding alone + 1 / training alone).";

    public override double Run(bool quick)
    {
        var ratio = Measure("MobileNetV1 0.25", Backbone.MobileNetV1(0.25f)
            .WithWeights(SharedFiles.Require("weights/mobilenetv1_025.safetensors")), rounds: 7, quick);
        if (!quick)
            Measure("MobileNetV2", SharedFiles.MobileNetV2(), rounds: 3, quick);
        return ratio;
    }

    private static double Measure(string network, Backbone backbone, int rounds, bool quick)
    {
        using var scope = NewDisposeScope();
        var paths = Photos.Paths(quick ? 64 : null);
        var (pixels, labels) = Networks.Data();
        using var classifier = ImageNetwork.Create(backbone, Networks.Classes, seed: 1);
        using var steps = ReadyLoop.OfPixels(classifier, classifier.Stages.Count, ChannelsLast.Of(pixels), labels);

        const string decoding = "decoding and augmenting alone", training = "training steps alone, ready batches",
            both = "training from files";
        var epoch = 0;
        var timing = new PairedTiming()
            .Add(decoding, () => Photos.Decode(paths, backbone.Preprocessing, Augmentation.Light, ++epoch).Count)
            .Add(training, () => Steps(paths.Count / Networks.Batch))
            .AddRate(both, () => Fit(paths, backbone))
            .Run(quick ? 2 : rounds, quick);
        timing.Print(both, title: $"{network}, everything trains, crop and flip, batch {Networks.Batch}");
        var ratio = PairedTiming.Median(
            timing.RatesOf(both).Zip(timing.RatesOf(decoding), timing.RatesOf(training))
            .Select(round => round.First * (1 / round.Second + 1 / round.Third)));
        BenchmarkRecorder.Print(new ResultTable([network, "of the best possible"],
            [["training from files", ratio.ToString("0.00", CultureInfo.InvariantCulture)]]));
        return ratio;

        int Steps(int count)
        {
            steps.Steps(count);
            return count * Networks.Batch;
        }
    }

    // Two epochs: a warm-up, and one whose rate, as reported by the trainer, is measured.
    private static double Fit(IReadOnlyList<string> paths, Backbone backbone)
    {
        var ml = new MLContext(seed: 1);
        var progress = new LastEpoch();
        var photos = ml.Data.LoadFromEnumerable(
            paths.Select(path => new Row { ImagePath = path, Label = Path.GetFileName(Path.GetDirectoryName(path))! }));
        using var model = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
            {
                Backbone = backbone,
                Epochs = 2,
                Validation = ValidationData.None,
                Workers = Photos.Workers,
                Progress = progress,
            })).Fit(photos);
        return progress.RowsPerSecond;
    }

    private sealed class LastEpoch : IProgress<TrainingProgress>
    {
        public double RowsPerSecond { get; private set; }

        public void Report(TrainingProgress value)
        {
            if (value.Activity == TrainingActivity.EpochCompleted)
                RowsPerSecond = value.RowsPerSecond;
        }
    }

    private sealed class Row
    {
        public required string Label { get; init; }

        public required string ImagePath { get; init; }
    }
}
