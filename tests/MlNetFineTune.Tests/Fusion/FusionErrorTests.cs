using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Fusion;

/// <summary>Errors of table columns, reported before any row is read.</summary>
[TestClass]
public sealed class FusionErrorTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void OptionsThatContradictEachOtherAreRefused()
    {
        Refuses(FusedRow.Options with { Augmentation = Augmentation.MixUp() },
            "MixUp blends pictures, and half a picture has no row of a table");
        Refuses(FusedRow.Options with { Augmentation = Augmentation.CutMix() }, "CutMix blends pictures");
        Refuses(FusedRow.Options with { TableColumns = ["Label"] }, "'Label', which is the label");
        Refuses(SmallTraining.Options with { MissingPictures = MissingPictures.Allow }, "MissingPictures.Allow needs TableColumns");

        void Refuses(ImageFineTuningOptions options, string message) => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MulticlassClassification.Trainers.FineTuneImages(options)).Message, message);
    }

    [TestMethod]
    public void AColumnThatATableCannotHaveIsRefusedWhereItIsNamed()
    {
        Refuses(() => FusedRow.Options with { TableColumns = [ModuleInput.Image("Other", new ImagePreprocessing())] },
            "Column 'Other' is a picture");
        Refuses(() => FusedRow.Options with { TableColumns = [ModuleInput.Column("Weight", 2, 3)] }, "has a stated shape");
        Refuses(() => FusedRow.Options with { TableColumns = ["Weight", "Weight"] }, "Column 'Weight' is there twice");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FusedRow.Options with { TableFeatures = 0 });
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FusedRow.Options with { MissingPictures = (MissingPictures)3 });

        static void Refuses(Func<object> make, string message) =>
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => make()).Message, message);
    }

    [TestMethod]
    public void ColumnsThatAreMissingOrOfAnotherTypeAreNamedAsTableColumns()
    {
        var view = FusedRow.View(_ml, FusedRow.Many(6));
        foreach (var column in (string[])["Nowhere", "Color"])
        {
            var trainer = _ml.MulticlassClassification.Trainers.FineTuneImages(FusedRow.Options with { TableColumns = [column] });
            StringAssert.Contains(Assert.Throws<Exception>(() => trainer.Fit(view)).Message, $"table column column '{column}'");
        }
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(FusedRow.Options with { Epochs = 1 }).Fit(view);
        var without = SmallPictures.View(_ml, SmallPictures.Take(1));
        StringAssert.Contains(Assert.Throws<Exception>(() => model.Transform(without)).Message, "'Weight'");
    }

    [TestMethod]
    public void AnInfiniteNumberMakesABadRowWithAndWithoutTheCache()
    {
        var rows = FusedRow.Many(12);
        rows[5].Weight = float.PositiveInfinity;
        var view = FusedRow.View(_ml, rows);
        foreach (var cache in (FeatureCache[])[FeatureCache.None, FeatureCache.InMemory()])
        {
            var options = FusedRow.Options with
            {
                Strategy = Strategy.HeadOnly,
                FeatureCache = cache,
                BadRows = BadRows.Skip(0.5f),
                Epochs = 1,
            };
            using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(view);
            Assert.AreEqual((5L, "column 'Weight' is infinite"), (model.Report!.BadRows.Single().Ordinal, model.Report.BadRows[0].Reason));
            Assert.IsTrue(float.IsNaN(SmallTraining.Scores(model.Transform(view))[5][0]));
        }
    }

    [TestMethod]
    public void ARowThatCannotBeUsedIsNotInTheMeans()
    {
        var rows = FusedRow.Many(12);
        var options = FusedRow.Options with { BadRows = BadRows.Skip(0.5f), Epochs = 1, Validation = ValidationData.None };
        var expected = MeansOf([.. rows[..5], .. rows[6..]]);
        rows[5].Weight = float.PositiveInfinity;
        CollectionAssert.AreEqual(expected, MeansOf(rows));

        double[] MeansOf(FusedRow[] some)
        {
            using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(FusedRow.View(_ml, some));
            double[] means = [];
            model.Scorer.Read(network => means = ((ImageNetwork)network).Table!.mean!.Values());
            return means;
        }
    }

    [TestMethod]
    public void WhatReadsATableIsNoTeacher()
    {
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(FusedRow.Options with { Epochs = 1 })
            .Fit(FusedRow.View(_ml, FusedRow.Many(12)));

        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Distillation.From(model)).Message, "reads a table beside them");
    }
}
