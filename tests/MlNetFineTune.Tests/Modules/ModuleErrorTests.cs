using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Error messages name the problem, its place, and the expected and actual values.</summary>
[TestClass]
public sealed class ModuleErrorTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TableRow[] _rows = TableRow.Many(40);

    [TestMethod]
    public void ColumnsThatAreMissingOrOfAnotherTypeAreNamedBeforeTraining()
    {
        Check<ArgumentOutOfRangeException>(SmallModules.Regression with { Inputs = ["Colour"] }, "module input", "'Colour'");
        Check<ArgumentOutOfRangeException>(
            SmallModules.Regression with { Inputs = ["Yes"] }, "module input", "'Yes'", "Single, Key", "Boolean");
        Check<ArgumentOutOfRangeException>(SmallModules.Regression with { LabelColumnName = "Missing" }, "label", "'Missing'");
        Check<ArgumentOutOfRangeException>(SmallModules.Regression with { LabelColumnName = "Yes" }, "label", "'Yes'", "Single", "Boolean");
        Check<ArgumentOutOfRangeException>(
            SmallModules.Binary with { LabelColumnName = "Number" }, "label", "'Number'", "Boolean", "Single");
        Check<ArgumentOutOfRangeException>(SmallModules.Multiclass with { LabelColumnName = "Number" }, "label", "'Number'", "Key");
        Check<InvalidOperationException>(
            SmallModules.Regression with { Inputs = [ModuleInput.Column("Features", 2, 4)] }, "'Features'", "[2, 4]", "8", "6");
    }

    [TestMethod]
    public void AnOutputOfTheWrongSizeSaysWhatWasExpectedAndFound()
    {
        AnyFactory.Make = context => new Lambda(6, 5, (layer, x) => layer.call(x));
        Check<InvalidOperationException>(
            SmallModules.Multiclass with { Factory = new AnyFactory() }, "module 'any'", ", 5]", ", 3]", "ModuleContext.Outputs");
        Check<InvalidOperationException>(SmallModules.Regression with { Factory = new AnyFactory() }, ", 5]", ", 1]", "one number a row");
        AnyFactory.Make = context => new Lambda(6, 3, (layer, x) => layer.call(x).mean([0], keepdim: true));
        Check<InvalidOperationException>(SmallModules.Multiclass with { Factory = new AnyFactory() }, "[1, 3]", ", 3]");
    }

    [TestMethod]
    public void WhatAFactoryGetsWrongIsSaid()
    {
        var any = SmallModules.Regression with { Factory = new AnyFactory() };
        AnyFactory.Make = _ => throw new FormatException("no such layer");
        Check<InvalidOperationException>(any, "'any'", "AnyFactory", "no such layer");
        AnyFactory.Make = _ => null;
        Check<InvalidOperationException>(any, "'any'", "null");
        AnyFactory.Make = context => new Embedded(new ModuleContext([context.Inputs[0], new ModuleContext.InputShape("Color", [], 3)], 1));
        Check<ArgumentException>(any, "'any'", "1 input", "Module<Tensor, Tensor>");
        AnyFactory.Make = _ => nn.ReLU();
        Check<ArgumentException>(any, "no parameters", "RegisterComponents");
        using var once = new Lambda(6, 1, (layer, x) => layer.call(x));
        AnyFactory.Make = _ => once;
        using (_ml.Regression.Trainers.FineTuneModule(any with { Epochs = 1 }).Fit(View()))
            Check<InvalidOperationException>(any, "same module twice");
    }

    [TestMethod]
    public void AFactoryThatCouldNotBeMadeAgainIsRefusedAtOnce()
    {
        Refuse(new NoContract(), "[ModuleFactory(\"NoContract\")]");
        Refuse(new NoDefault(3), "constructor without parameters");
        Refuse(new Forgetful(7), "do not come back");

        void Refuse(ModuleFactory factory, string expected) =>
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
                () => _ml.Regression.Trainers.FineTuneModule(factory)).Message, expected);
    }

    [TestMethod]
    public void AModuleThatGivesNoNumberOrReachesNoParameterIsAnError()
    {
        var any = SmallModules.Regression with { Factory = new AnyFactory() };
        AnyFactory.Make = _ => new Lambda(6, 1, (layer, x) => layer.call(x) * float.NaN);
        Check<InvalidOperationException>(any, "diverged", "NaN");
        AnyFactory.Make = _ => new Lambda(6, 1, (layer, x) => layer.call(x).detach());
        Check<InvalidOperationException>(any, "module 'any'", "reaches its output");
    }

    [TestMethod]
    public void MissingNumbersAreAnErrorOrLeftOutInTrainingAndNaNInScoring()
    {
        _rows[3].Features[2] = float.NaN;
        _rows[7].Features[0] = float.PositiveInfinity;
        _rows[9].Number = float.NaN;
        Check<InvalidDataException>(SmallModules.Regression with { Validation = ValidationData.None }, "row ", "'Features'", "slot ");

        using var model = _ml.Regression.Trainers.FineTuneModule(
            SmallModules.Regression with { BadRows = BadRows.Skip(), Epochs = 2, Validation = ValidationData.None }).Fit(View());
        CollectionAssert.AreEqual(
            new[] { "row 3: column 'Features' is missing (NaN) in slot 2", "row 7: column 'Features' is infinite in slot 0" },
            model.Report!.BadRows.Select(row => row.ToString()).ToArray());
        Assert.AreEqual(1, model.Report.RowsWithoutLabel);
        Assert.AreEqual(37, model.Report.TrainingRows);

        var scores = model.Transform(View()).GetColumn<float>("Score").ToArray();
        CollectionAssert.AreEqual(new[] { 3, 7 }, Enumerable.Range(0, 40).Where(row => float.IsNaN(scores[row])).ToArray());
    }

    [TestMethod]
    public void AMissingInputHasAMissingPrediction()
    {
        using var multiclass = _ml.MulticlassClassification.Trainers.FineTuneModule(SmallModules.Multiclass with { Epochs = 1 })
            .Fit(View());
        using var binary = _ml.BinaryClassification.Trainers.FineTuneModule(SmallModules.Binary with { Epochs = 1 }).Fit(View());
        _rows[0].Features[0] = float.NaN;

        Assert.AreEqual(0u, multiclass.Transform(View()).GetColumn<uint>("PredictedLabel").First());
        Assert.IsTrue(float.IsNaN(binary.Transform(View()).GetColumn<float>("Probability").First()));
        Assert.IsFalse(binary.Transform(View()).GetColumn<bool>("PredictedLabel").First());
    }

    [TestMethod]
    public void OneClassOnlyIsAnError()
    {
        foreach (var row in _rows)
            (row.Yes, row.Kind) = (true, "kind1");
        Check<InvalidOperationException>(SmallModules.Binary, "both kinds", "True", "rows");
        Check<InvalidOperationException>(SmallModules.Multiclass, "two classes");
    }

    [TestMethod]
    public void OtherSizesAndKeysAtScoringAreRefused()
    {
        using var model = _ml.Regression.Trainers.FineTuneModule(
            SmallModules.Regression with { Factory = new EmbeddedFactory(), Inputs = ["Features", "Color"], Epochs = 1 }).Fit(View());
        var fewer = SmallModules.View(_ml, _rows.Where(row => row.Color != "color3"));
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => model.Transform(fewer));
        StringAssert.Contains(error.Message, "Key of 4 values");
        StringAssert.Contains(error.Message, "'Color'");
    }

    [TestMethod]
    public void WeightsThatDoNotFitAreListed()
    {
        using var narrow = _ml.Regression.Trainers.FineTuneModule(
            SmallModules.Regression with { Factory = new TwoLayersFactory { Hidden = 4 }, Epochs = 1 }).Fit(View());
        var path = Path.Combine(SmallPictures.NewFolder(), "narrow.safetensors");
        narrow.SaveWeights(path);
        Check<InvalidDataException>(SmallModules.Regression with { WeightsFile = path }, "module 'two layers'",
            "first.weight [4, 6], expected [8, 6]");

        var bytes = File.ReadAllBytes(path);
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), float.NaN);
        File.WriteAllBytes(path, bytes);
        var options = SmallModules.Regression with { Factory = new TwoLayersFactory { Hidden = 4 }, WeightsFile = path };
        Check<InvalidDataException>(options, $"'{path}' hold numbers that are NaN or infinite, in 1 of 4 tensors", "(1 of ");
    }

    [TestMethod]
    public void OptionsThatContradictThemselvesAreRefused()
    {
        Assert.Throws<ArgumentException>(() => SmallModules.Regression with { Inputs = [] });
        Assert.Throws<ArgumentException>(() => SmallModules.Regression with { Inputs = ["A", "A"] });
        Assert.Throws<ArgumentOutOfRangeException>(() => RegressionLoss.Huber(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ModuleInput.Column("A", 0));
        Assert.Throws<ArgumentException>(
            () => _ml.BinaryClassification.Trainers.FineTuneModule(SmallModules.Binary with { ProbabilityColumnName = "Score" }));
        Assert.Throws<ArgumentException>(() => _ml.Regression.Trainers.FineTuneModule(
            SmallModules.Regression with { Validation = ValidationData.None, EarlyStoppingPatience = 2 }));
    }

    private void Check<TError>(ModuleFineTuningOptions options, params string[] parts)
        where TError : Exception
    {
        var error = Assert.ThrowsExactly<TError>(() => Trainer(options).Fit(View()).Dispose());
        foreach (var part in parts)
            StringAssert.Contains(error.Message, part);
    }

    private FineTuningTrainer Trainer(ModuleFineTuningOptions options) => options.TaskInForce switch
    {
        MulticlassTask => _ml.MulticlassClassification.Trainers.FineTuneModule(options),
        BinaryTask => _ml.BinaryClassification.Trainers.FineTuneModule(options),
        _ => _ml.Regression.Trainers.FineTuneModule(options),
    };

    private IDataView View() => SmallModules.View(_ml, _rows);

    public sealed class NoContract : ModuleFactory
    {
        public override nn.Module Create(ModuleContext context) => throw new NotSupportedException();
    }

    // Not registered with the others: these stay out of RegisterAssembly by being no public types.
    [ModuleFactory("no default")]
    private sealed class NoDefault(int hidden) : ModuleFactory
    {
        public int Hidden { get; } = hidden;

        public override nn.Module Create(ModuleContext context) => throw new NotSupportedException();
    }

    [ModuleFactory("forgetful")]
    private sealed class Forgetful : ModuleFactory
    {
        public Forgetful()
        {
        }

        public Forgetful(int hidden) => Hidden = hidden;

        public int Hidden { get; }

        public override nn.Module Create(ModuleContext context) => throw new NotSupportedException();
    }
}
