using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Modules;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Modules that see keys, and modules of several inputs.</summary>
[TestClass]
public sealed class ModuleInputsExportTests
{
    private static readonly TableRow[] s_rows = TableRow.Many(40);

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow("Color", 1)]
    [DataRow("Colors", 2)]
    public void KeysAreEmbeddedInside(string column, int keys)
    {
        TorchLayers.Count(_ => Make(), count =>
        {
            AnyFactory.Make = _ => Make();
            var view = View();
            using var model = Fit(view, column);
            var expected = Expected(model, view);
            using var file = new ExportedFile(_ml, model);
            foreach (var rows in (int[])[s_rows.Length, 1])
            {
                var actual = file.Run(ExportedFile.Keys(
                    "keys", view.GetColumn<uint>("Color").Take(rows).SelectMany(key => Enumerable.Repeat(key, keys)), rows, keys));
                SmallTraining.AssertClose([[.. expected.Take(rows)]], [actual["score"]]);
            }
            using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema);
            SmallTraining.AssertClose([expected], [[.. ((ITransformer)chain).Transform(view).GetColumn<float>("Score")]]);
            count(1);
        });

        // With a max_norm the layer gives shorter rows than its weights say.
        nn.Module Make() => nn.Sequential(
            ("embed", nn.Embedding(5, 4, max_norm: keys > 1 ? 0.5 : null)), ("flat", nn.Flatten()), ("relu", nn.ReLU()),
            ("head", nn.Linear(4 * keys, 1)));
    }

    [TestMethod]
    public void SeveralInputsAreNamedAfterTheirColumns()
    {
        TorchLayers.Count(_ => Make(), count =>
        {
            AnyFactory.Make = _ => Make();
            var view = View();
            using var model = Fit(view, "Features", "Color", "Size");
            var expected = Expected(model, view);
            model.Scorer.Read(network => CollectionAssert.AreEqual(new[] { "features", "color" }, network.Stages.ToArray()));
            foreach (var (precision, tolerance) in
                ((OnnxPrecision, float)[])[(OnnxPrecision.Float32, 1e-5f), (OnnxPrecision.Float16, 1e-2f)])
            {
                using var file = new ExportedFile(_ml, model, precision);
                CollectionAssert.AreEqual(new[] { "Features", "Color", "Size" }, file.Inputs);
                foreach (var rows in (int[])[s_rows.Length, 1])
                {
                    var actual = file.Run(
                        ExportedFile.Numbers("Features", s_rows.Take(rows).SelectMany(row => row.Features), rows, 6),
                        ExportedFile.Keys("Color", view.GetColumn<uint>("Color").Take(rows), rows, 1),
                        ExportedFile.Numbers("Size", s_rows.Take(rows).Select(row => row.Size), rows, 1));
                    SmallTraining.AssertClose([[.. expected.Take(rows)]], [actual["score"]], tolerance);
                }
            }
            using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema);
            SmallTraining.AssertClose([expected], [[.. ((ITransformer)chain).Transform(view).GetColumn<float>("Score")]]);
            count(1);
        });

        static nn.Module Make() => new InputBranches(
            [("features", nn.Linear(6, 8)), ("color", nn.Embedding(5, 3)), ("size", nn.Identity())],
            nn.Sequential(("relu", nn.ReLU()), ("hidden", nn.Linear(12, 8)), ("tanh", nn.Tanh()), ("out", nn.Linear(8, 1))));
    }

    [TestMethod]
    public void SeveralHeadsOfAModuleOfSeveralInputsAreExported()
    {
        TorchLayers.Count(_ => Make(), count =>
        {
            AnyFactory.Make = _ => Make();
            var view = View();
            using var model = (FineTuningTransformer)_ml.FineTuning.FineTuneModule(SmallModules.Multiclass with
            {
                Factory = new AnyFactory(),
                Inputs = ["Features", "Color"],
                Epochs = 6,
                Task = LearningTask.Several(
                    new("Kind", LearningTask.Multiclass()), new("Number", LearningTask.Regression()), new("Yes", LearningTask.Binary())),
            }).Fit(view);
            var expected = model.Transform(view);
            using var file = new ExportedFile(_ml, model);
            using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema);
            var scored = ((ITransformer)chain).Transform(view);
            SmallTraining.AssertClose(SmallTraining.Scores(expected, "KindScore"), SmallTraining.Scores(scored, "KindScore"));
            foreach (var (output, column) in ((string, string)[])[("Number.score", "NumberScore"), ("Yes.probability", "YesProbability")])
            {
                float[] all = [.. expected.GetColumn<float>(column)];
                SmallTraining.AssertClose([all], [[.. scored.GetColumn<float>(column)]]);
                foreach (var rows in (int[])[s_rows.Length, 1])
                {
                    var actual = file.Run(
                        ExportedFile.Numbers("Features", s_rows.Take(rows).SelectMany(row => row.Features), rows, 6),
                        ExportedFile.Keys("Color", view.GetColumn<uint>("Color").Take(rows), rows, 1));
                    SmallTraining.AssertClose([all[..rows]], [actual[output]]);
                }
            }
            count(1);
        });

        static nn.Module Make() => new InputBranches([("features", nn.Linear(6, 8)), ("color", nn.Embedding(5, 3))], nn.Linear(11, 5));
    }

    [TestMethod]
    public void APictureMayBeAnyOfThem()
    {
        var preprocessing = new ImagePreprocessing
        {
            Size = 48,
            CropFraction = 1,
            Mean = ColorTriple.ImageNetMean,
            Std = ColorTriple.ImageNetStd,
        };
        TorchLayers.Count(_ => Make(), count =>
        {
            AnyFactory.Make = _ => Make();
            var rows = SeveralRow.Take(4);
            var view = SeveralRow.View(_ml, rows);
            using var model = (FineTuningTransformer)_ml.BinaryClassification.Trainers.FineTuneModule(SmallModules.Binary with
            {
                Factory = new AnyFactory(),
                LabelColumnName = "Red",
                Epochs = 4,
                Inputs = ["Size", ModuleInput.Image("ImagePath", preprocessing)],
            }).Fit(view);
            float[] expected = [.. model.Transform(view).GetColumn<float>("Probability")];
            foreach (var (precision, tolerance) in
                ((OnnxPrecision, float)[])[(OnnxPrecision.Float32, 1e-4f), (OnnxPrecision.Int8(view), 0.1f)])
            {
                using var file = new ExportedFile(_ml, model, precision);
                CollectionAssert.AreEqual(new[] { "Size", "ImagePath" }, file.Inputs);
                var pixels = ExportedFile.Pixels(model, view, rows.Length, 48, offset: sizeof(float));
                var actual = file.Run(
                    ExportedFile.Numbers("Size", rows.Select(row => row.Size), rows.Length, 1),
                    ExportedFile.Input("ImagePath", pixels))["probability"];
                SmallTraining.AssertClose([expected], [actual], tolerance);
                using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema, precision: precision);
                SmallTraining.AssertClose([actual], [[.. ((ITransformer)chain).Transform(view).GetColumn<float>("Probability")]], 1e-3f);
            }
            count(1);
        });

        static nn.Module Make() => new InputBranches(
            [("size", nn.Identity()), ("photo", nn.Sequential(
                ("conv", nn.Conv2d(3, 8, 3, stride: 2)), ("relu", nn.ReLU()), ("conv2", nn.Conv2d(8, 8, 3)),
                ("pool", nn.AdaptiveAvgPool2d(1))))],
            nn.Linear(9, 1));
    }

    [TestMethod]
    public void SequencesAndMistakesAreNamed()
    {
        AnyFactory.Make = _ => new Masked();
        using var model = Fit(View(), ModuleInput.Sequence("Features", 6));
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(() => _ml.FineTuning.ExportOnnx(model, "x.onnx")).Message,
            "Column 'Features' is a sequence, which enters with a mask beside it");
        Assert.IsFalse(File.Exists("x.onnx"));

        using var dense = new Dense(2, 2);
        using var head = new Dense(2, 1);
        foreach (var names in (string[][])[["head"], ["a.b"], ["a", "a"]])
        {
            (string, nn.Module<Tensor, Tensor>)[] branches = [.. names.Select(name => (name, (nn.Module<Tensor, Tensor>)dense))];
            StringAssert.Contains(
                Assert.ThrowsExactly<ArgumentException>(() => new InputBranches(branches, head)).Message, $"'{names[^1]}'");
        }
        Assert.ThrowsExactly<ArgumentException>(() => new InputBranches([], head));
        using var one = new InputBranches([("a", dense)], head);
        using var scope = NewDisposeScope();
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => one.forward([zeros(1, 2), zeros(1, 2)])).Message, "1 branches (a) for 2 inputs");
    }

    // With a vector of two keys beside what the rows have.
    private IDataView View()
    {
        var view = SmallModules.View(_ml, s_rows);
        return _ml.Transforms.Concatenate("Colors", "Color", "Color").Fit(view).Transform(view);
    }

    private FineTuningTransformer Fit(IDataView view, params ModuleInput[] inputs) =>
        (FineTuningTransformer)_ml.Regression.Trainers.FineTuneModule(
            SmallModules.Regression with { Factory = new AnyFactory(), Inputs = inputs, Epochs = 10 }).Fit(view);

    private static float[] Expected(FineTuningTransformer model, IDataView view)
    {
        float[] scores = [.. model.Transform(view).GetColumn<float>("Score")];
        Assert.IsGreaterThan(0.02, scores.Max() - scores.Min(), "a network that says nothing proves nothing");
        return scores;
    }

    private sealed class Masked : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Dense head;

        public Masked()
            : base(nameof(Masked))
        {
            head = new Dense(1, 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor steps, Tensor mask) =>
            head.call(steps.mul(mask.to_type(ScalarType.Float32)).sum(1, keepdim: true));
    }
}
