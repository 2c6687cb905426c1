using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Benchmarks;

internal sealed class FeaturesAgainstScores : Benchmark
{
    public override string Name => "features";

    public override string Question =>
        "Features of ready 224 px images through ExtractImageFeatures, MobileNetV1 0.25: against a fine-tuned model's scores of the same.";

    public override double Run(bool quick)
    {
        var backbone = SharedFiles.MobileNetV1Quarter();
        using var images = new ReadyImages(
            backbone, () => new PlainMobileNetV1(0.25, Networks.Classes, backbone.Recipe.Epsilon), (quick ? 4 : 16) * Networks.Batch);
        using var native = Extractor(new ImageFeatureOptions());
        using var several = Extractor(
            new ImageFeatureOptions { Pooling = FeaturePooling.MultiScale(["blocks.2", "blocks.3", "blocks.4"]) });
        using var cached = Extractor(new ImageFeatureOptions { FeatureCache = FeatureCache.InMemory() });
        const string features = "ExtractImageFeatures, Native", scores = "a fine-tuned model's Transform";
        var timing = new PairedTiming()
            .Add(features, () => Count(native))
            .Add(scores, () => images.Ours().Count)
            .Add("ExtractImageFeatures, MultiScale of 3 stages", () => Count(several))
            .Add("ExtractImageFeatures, all found in memory", () => Count(cached))
            .Run(rounds: quick ? 2 : 12, quick);
        timing.Print(features);
        return timing.Ratio(features, scores);

        FeaturesTransformer Extractor(ImageFeatureOptions options) => images.Context.Transforms
            .ExtractImageFeatures("Features", nameof(ReadyImages.Row.Image), images.Backbone, options).Fit(images.View);

        int Count(FeaturesTransformer extractor) =>
            extractor.Transform(images.View).GetColumn<float[]>("Features").Count(row => row.Length > 0);
    }
}
