using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trainers.LightGbm;

namespace MlNetFineTune.Benchmarks;

/// <summary>Rows of <see cref="TextStudy"/>: ML.NET's own trainers on the features of frozen MiniLM.</summary>
internal static class TextFeatureStudy
{
    public const string Name = "features";

    private static readonly (string Name, Func<MLContext, IEstimator<ITransformer>> Create)[] s_trainers =
    [
        ("SDCA", Sdca),
        ("NormalizeMeanVariance, SDCA", ml => ml.Transforms.NormalizeMeanVariance("Features", fixZero: false).Append(Sdca(ml))),
        ("LightGBM", ml => ml.MulticlassClassification.Trainers.LightGbm(new LightGbmMulticlassTrainer.Options { NumberOfThreads = 1 })),
    ];

    public static void Print(string set, int seeds, bool quick)
    {
        Print(set, seeds, quick, new TextFeatureOptions(), s_trainers);
        Print(set, seeds, quick, new TextFeatureOptions { Normalize = false }, [("Normalize = false, SDCA", Sdca)]);
    }

    private static void Print(
        string set, int seeds, bool quick, TextFeatureOptions options,
        IReadOnlyList<(string Name, Func<MLContext, IEstimator<ITransformer>> Create)> trainers)
    {
        var context = new MLContext(seed: 1);
        var (train, test) = TextStudy.Load(context, set, quick);
        var watch = Stopwatch.StartNew();
        using var features = context.Transforms.ExtractTextFeatures("Features", "Text", TextStudy.Backbone, options).Fit(train);
        var (known, held) = (Computed(context, features, train), Computed(context, features, test));
        var seconds = watch.Elapsed.TotalSeconds;
        foreach (var (name, create) in trainers)
        {
            TextStudy.Print(set, $"ExtractTextFeatures, {name}", [.. Enumerable.Range(1, seeds).Select(seed =>
            {
                var ml = new MLContext(seed);
                var run = Stopwatch.StartNew();
                var model = create(ml).Fit(known);
                var (accuracy, f1, own) = TextStudy.Evaluate(ml, model.Transform(held), run);
                (model as IDisposable)?.Dispose();
                return (accuracy, f1, seconds + own);
            })]);
        }
    }

    private static IEstimator<ITransformer> Sdca(MLContext ml) => ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(
        new SdcaMaximumEntropyMulticlassTrainer.Options { NumberOfThreads = 1 }); // with more, results differ from run to run

    // In memory, so that the network runs once for each text.
    private static IDataView Computed(MLContext ml, ITransformer features, IDataView data)
    {
        var cached = ml.Data.Cache(features.Transform(data), "Features", "Label");
        _ = cached.GetColumn<float[]>("Features").Count();
        return cached;
    }
}
