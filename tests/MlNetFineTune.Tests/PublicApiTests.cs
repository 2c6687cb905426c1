using System.Reflection;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests;

[TestClass]
public sealed class PublicApiTests
{
    public static IEnumerable<object[]> Libraries =>
    [
        ["PublicApi", typeof(TorchRuntime).Assembly],
        ["PublicApi.Onnx", typeof(Microsoft.ML.FineTuningOnnxExtensions).Assembly],
        ["PublicApi.Distributed", typeof(MpiOptions).Assembly],
        ["PublicApi.Extensions.AI", typeof(Microsoft.ML.FineTuningEmbeddingExtensions).Assembly],
        ["PublicApi.Hosting", typeof(Microsoft.Extensions.DependencyInjection.PredictorHostingExtensions).Assembly],
    ];

    [TestMethod]
    [DynamicData(nameof(Libraries))]
    public void ThePublicApiIsTheApprovedOne(string name, Assembly library)
    {
        var folder = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests");
        var approvedPath = Path.Combine(folder, $"{name}.approved.txt");
        var receivedPath = Path.Combine(folder, $"{name}.received.txt");
        var approved = File.Exists(approvedPath) ? File.ReadAllText(approvedPath).ReplaceLineEndings("\n") : "";

        var received = PublicApi.Describe(library);

        if (received == approved)
        {
            File.Delete(receivedPath);
            return;
        }

        File.WriteAllText(receivedPath, received);
        var before = approved.Split('\n').ToHashSet();
        var after = received.Split('\n').ToHashSet();
        var changes = before.Except(after).Select(line => "- " + line.Trim())
            .Concat(after.Except(before).Select(line => "+ " + line.Trim()));
        Assert.Fail($"The public API has changed:\n{string.Join("\n", changes)}\nIf that is meant, "
            + $"replace {name}.approved.txt by {name}.received.txt beside it.");
    }

    /// <summary>
    /// Every public type is one more name to learn, and one that may clash: a new one needs another to go, or a reason to raise the number.
    /// Nested types count too.
    /// </summary>
    [TestMethod]
    public void ThePublicTypesAreNoMoreThanTheyHaveToBe()
    {
        // 65, the metrics of two new tasks, PositiveWeights, DecisionThreshold, Sampling, TaskHead, MissingPictures; InputBranches,
        // ImageIndex and its Match; the estimator of image features, its transformer, options and pooling; ModelLayer;
        // the class of the method that makes embedding generators;
        // Explanation and ImageExplainingTransformer; HeadPooling; LabelingStrategy and its Suggestion;
        // ConformalPrediction with its two scores and its report; ExaminationOptions, DataExamination, its Finding and FindingKind;
        // TextBackbone, its TokenPooling, TextFineTuningOptions and TextTruncation;
        // TextFeatureOptions and TextFeaturesEstimator, whose transformer is that of image features;
        // LabelScheme, EntitySpan, TokenClassificationMetrics and its OfType; QuestionAnsweringMetrics and its OfRows;
        // TextTokenizingEstimator and its options; Precision; PictureCache;
        // ProcessGroup and its exception; Shard, ShardingOptions, ShardProgress; the class of ProcessGroup.Mpi and its options;
        // FrozenEngine and the class of ONNX Runtime's;
        // HostedPredictor, its options and its model, the classes of AddPredictor and of LogTo; MlflowTracking;
        // ProgressiveResizing
        const int Most = 72 + 3 + 5 + 1 + 2 + 1 + 2 + 4 + 4 + 4 + 2 + 4 + 2 + 2 + 1 + 2 + 3 + 2 + 2 + 1 + 6 + 1;

        var types = Libraries.SelectMany(library => PublicApi.NamesOf((Assembly)library[1])).ToList();

        if (types.Count > Most)
            Assert.Fail($"There are {types.Count} public types, {Most} at most are meant:\n{string.Join("\n", types)}");
    }

    [TestMethod]
    [DynamicData(nameof(Libraries))]
    public void NoPublicSignatureNeedsATypeThatMlNetKeepsInternal(string name, Assembly library)
    {
        // The compiler cannot see it: it reads copies of ML.NET in which everything is public.
        var hidden = PublicApi.TypesIn(library).Where(found => !found.Type.IsVisible)
            .Select(found => $"{found.Where} uses {found.Type.FullName}").Distinct().ToList();

        if (hidden.Count > 0)
            Assert.Fail($"{name}: {string.Join("\n", hidden)}");
    }
}
