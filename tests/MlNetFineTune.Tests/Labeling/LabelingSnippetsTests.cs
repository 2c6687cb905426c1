using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Labeling;

/// <summary>The snippets of docs/labeling.md: they are compiled here, run here, and are the same there, line by line.</summary>
[TestClass]
public sealed class LabelingSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);

    [TestMethod]
    public void Rank()
    {
        using var model = SmallTraining.LoadModel(ml);
        var labeled = SmallPictures.View(ml, SmallPictures.Take(4));
        var pool = SmallPictures.View(ml, SmallPictures.Take(10)); // with the labelled ones
        // begin
        var backbone = Backbone.FromModel(model);
        using var features = ml.Transforms.ExtractImageFeatures("Features", "ImagePath", backbone).Fit(pool);
        var ranked = ml.FineTuning.RankForLabeling(
            features.Transform(model.Transform(pool)), count: 10, LabelingStrategy.DiverseMargin(), features.Transform(labeled));
        foreach (var row in ranked)
            Console.WriteLine(row); // its key, and why
        // end
        Assert.HasCount(10, ranked);
        Assert.IsEmpty(ranked.Select(row => row.Key).Intersect(labeled.GetColumn<string>("ImagePath")));
        Assert.IsEmpty(ranked.Select(row => row.Key).Except(pool.GetColumn<string>("ImagePath")));
        Snippets.VerifyDocumented("Labeling/LabelingSnippetsTests.cs", nameof(Rank), "labeling.md");
    }
}
