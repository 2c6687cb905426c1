using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>
/// ML.NET's permutation feature importance works with models of one numeric column; for others the error names the reason.
/// </summary>
[TestClass]
public sealed class PermutationImportanceTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TableRow[] _rows = TableRow.Many(200);

    // A constant that is shuffled is the same constant: importance 0, exactly. Number follows the direction in which features 0, 3, 2 and
    // 5 point.
    [TestMethod]
    public void TheFeaturesThatDecideAreTheImportantOnes()
    {
        var data = Joined();
        using var model = _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with { Inputs = ["Joined"], Epochs = 30 })
            .Fit(data);

        var importance = _ml.Regression.PermutationFeatureImportance((ITransformer)model, data, "Number", permutationCount: 3)
            .ToDictionary(slot => slot.Key, slot => slot.Value.RSquared.Mean);

        CollectionAssert.AreEquivalent(new[] { "Slot 0", "Slot 1", "Slot 2", "Slot 3", "Slot 4", "Slot 5", "Constant" },
            importance.Keys.ToArray(), string.Join(", ", importance.Keys));
        Assert.AreEqual(0, importance["Constant"]);
        foreach (var slot in (string[])["Slot 0", "Slot 3", "Slot 2", "Slot 5"])
            Assert.IsLessThan(-0.02, importance[slot], slot);
    }

    [TestMethod]
    public void ChainsOfEveryTaskAreTaken()
    {
        var joined = Joined();
        var options = SmallModules.Multiclass with { Inputs = ["Joined"], Epochs = 3 };
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneModule(options);
        using (var chain = _ml.Transforms.CopyColumns("Copy", "Color").Append(trainer).Fit(joined))
            Assert.HasCount(7, _ml.MulticlassClassification.PermutationFeatureImportance(chain, joined, "Kind"));
        using (var binary = _ml.BinaryClassification.Trainers.FineTuneModule(SmallModules.Binary with { Inputs = ["Joined"], Epochs = 3 })
            .Fit(joined))
        {
            Assert.HasCount(7, _ml.BinaryClassification.PermutationFeatureImportance(binary, joined, "Yes"));
            ISingleFeaturePredictionTransformer<FineTuningTransformer> typed = binary;
            Assert.AreEqual(("Joined", 7), (typed.FeatureColumnName, ((VectorDataViewType)typed.FeatureColumnType).Size));
            Assert.AreSame(binary, typed.Model);
        }
    }

    [TestMethod]
    public void AModelOfPixelsIsTaken()
    {
        var random = new Random(1);
        var pixels = Enumerable.Range(0, 24).Select(Picture).ToArray();
        var view = _ml.Data.LoadFromEnumerable(pixels);
        var named = _ml.Transforms.Conversion.MapValueToKey("Label").Append(_ml.Transforms.Concatenate("Pixels", nameof(Pixels.Values)))
            .Fit(view).Transform(view);
        var layout = RawPixels.Planar(4, 4, RawPixels.PixelChannels.Gray, white: 1);
        var options = SmallTraining.Options with { ImageColumnName = "Pixels", RawPixels = layout };
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(named);

        ISingleFeaturePredictionTransformer<FineTuningTransformer> typed = model;
        Assert.HasCount(16, _ml.MulticlassClassification.PermutationFeatureImportance(typed, named));

        Pixels Picture(int i) => new()
        {
            Label = i % 2 == 0 ? "dark" : "light",
            Values = [.. Enumerable.Range(0, 16).Select(_ => (i % 2) * 0.7f + 0.3f * random.NextSingle())],
        };
    }

    [TestMethod]
    public void OtherModelsAreRefusedWithAReason()
    {
        using var images = SmallTraining.LoadModel(_ml);
        var photos = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(2)));
        var two = SmallModules.Regression with { Factory = new EmbeddedFactory(), Inputs = ["Features", "Color"], Epochs = 1 };
        using var several = _ml.Regression.Trainers.FineTuneModule(two).Fit(View());

        foreach (var refused in (Action[])[
            () => _ml.MulticlassClassification.PermutationFeatureImportance((ITransformer)images, photos),
            () => _ml.Regression.PermutationFeatureImportance((ITransformer)several, View(), "Number")])
        {
            StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(refused).Message, "one column that Concatenate makes");
        }
    }

    private IDataView View() => SmallModules.View(_ml, _rows);

    private IDataView Joined() => _ml.Transforms.CustomMapping<Nothing, WithConstant>((_, row) => row.Constant = 0.5f, contractName: null)
        .Append(_ml.Transforms.Concatenate("Joined", "Features", "Constant")).Fit(View()).Transform(View());

    private sealed class Nothing
    {
    }

    private sealed class WithConstant
    {
        public float Constant { get; set; }
    }

    private sealed class Pixels
    {
        public string Label { get; set; } = "";

        [VectorType(16)]
        public float[] Values { get; set; } = [];
    }
}
