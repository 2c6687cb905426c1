using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>The snippets of docs/onnx.md on ONNX Runtime as an engine: they are compiled here, run here, and are the same there.</summary>
[TestClass]
public sealed class EngineSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);

    [TestMethod]
    public void Score()
    {
        using var model = SmallTraining.LoadModel(ml);
        var photos = SmallPictures.View(ml, SmallPictures.Take(3));
        // begin
        using var fast = model.WithOnnxRuntime(); // a FineTuningTransformer, like the model
        var scored = fast.Transform(photos);
        // end
        SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(photos)), SmallTraining.Scores(scored), 1e-4f);
        Snippets.VerifyDocumented("Onnx/EngineSnippetsTests.cs", nameof(Score), "onnx.md");
    }

    [TestMethod]
    public void Train()
    {
        var options = SmallTraining.Options with { Epochs = 1 };
        // begin
        options = options with
        {
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.None,
            FrozenEngine = FrozenEngine.OnnxRuntime,
        };
        // end
        using var model = SmallTraining.Fit(ml, options, SmallPictures.Take(2));
        Assert.HasCount(1, model.Report!.Epochs);
        Snippets.VerifyDocumented("Onnx/EngineSnippetsTests.cs", nameof(Train), "onnx.md");
    }
}
