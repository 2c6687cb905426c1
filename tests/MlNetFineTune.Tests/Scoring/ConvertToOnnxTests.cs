using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>
/// ML.NET's ONNX converter cannot write these networks and must report that: it used to write a model without the network, with the scores
/// as inputs.
/// </summary>
[TestClass]
public sealed class ConvertToOnnxTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void ImageClassifiersAreRefusedAloneAndInChains()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var photos = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(2)));
        var scored = model.Transform(photos);
        var after = _ml.Transforms.Conversion.MapKeyToValue("Name", "PredictedLabel")
            .Append(_ml.Transforms.Concatenate("Features", "Score")).Fit(scored);
        var stock = _ml.Clustering.Trainers.KMeans("Features", numberOfClusters: 2).Fit(after.Transform(scored));

        foreach (var refused in (ITransformer[])[model, Chain(model), Chain(model, after), Chain(model, after, stock), Chain(Chain(model))])
            Refuses(refused, photos, "ml.FineTuning.ExportOnnx(model, path)");
    }

    [TestMethod]
    public void ModulesOfEveryTaskAreRefused()
    {
        var data = SmallModules.View(_ml, TableRow.Many(60));
        using var multiclass = _ml.MulticlassClassification.Trainers.FineTuneModule(SmallModules.Multiclass with { Epochs = 1 }).Fit(data);
        using var binary = _ml.BinaryClassification.Trainers.FineTuneModule(SmallModules.Binary with { Epochs = 1 }).Fit(data);
        using var regression = _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with { Epochs = 1 }).Fit(data);

        foreach (var refused in (ITransformer[])[multiclass, binary, regression])
            Refuses(refused, data, "ml.FineTuning.ExportOnnx");
        using var chain = _ml.Transforms.NormalizeMinMax("Features")
            .Append(_ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with { Epochs = 1 })).Fit(data);
        Refuses(chain, data, "ml.FineTuning.ExportOnnx");
    }

    private static TransformerChain<ITransformer> Chain(params ITransformer[] transformers) => new(transformers);

    private void Refuses(ITransformer model, IDataView data, string advice)
    {
        using var written = new MemoryStream();
        var error = Assert.ThrowsExactly<NotSupportedException>(() => _ml.Model.ConvertToOnnx(model, data, written));
        StringAssert.Contains(error.Message, advice);
        Assert.AreEqual(0, written.Length);
    }
}
