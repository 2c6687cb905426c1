using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Modules;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Modules of supported layers: ONNX Runtime computes the same scores; errors name unsupported layers.</summary>
[TestClass]
public sealed class ModuleExportTests
{
    private static readonly TableRow[] s_rows = TableRow.Many(40);

    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Layers =>
    [
        ["deep"], ["norms"], ["activations"], ["gates"], ["convolutions"], ["pools"], ["convolution in one dimension"], ["same padding"],
        ["nested"], ["no weights"],
    ];

    [TestMethod]
    [DynamicData(nameof(Layers))]
    public void OnnxRuntimeComputesTheSameScores(string layers)
    {
        TorchLayers.Count(context => Make(layers, context), count =>
        {
            AnyFactory.Make = context => Make(layers, context);
            using var model = Fit(Options(layers));
            Verify(model, layers);
            count(1);
        });
    }

    [TestMethod]
    public void AdaptersAndTheTemperatureAreInTheFileAndHalvesToo()
    {
        TorchLayers.Count(context => TorchLayers.Deep(context), count =>
        {
            AnyFactory.Make = context => TorchLayers.Deep(context);
            var options = Options("deep") with
            {
                Adapter = Adapter.Lora(rank: 2),
                LearningRate = 0.005f,
                Epochs = 4,
                Task = LearningTask.Multiclass(calibration: Calibration.Temperature()),
                Validation = ValidationData.Fraction(0.4f)
            };
            TableRow[] rows = [.. s_rows, .. s_rows.Take(6)
                .Select(row => new TableRow { Features = row.Features, Kind = row.Kind == "kind0" ? "kind1" : "kind0" })];
            using var model = Fit(options, rows);
            Assert.IsGreaterThan(0.02, Math.Abs(model.Calibration!.Temperature - 1));
            Verify(model, "deep");
            Verify(model, "deep", OnnxPrecision.Float16, 0.01);
            count(1);
        });
    }

    [TestMethod]
    public void MLNetScoresTheFileFromTheColumnItself()
    {
        TorchLayers.Count(context => TorchLayers.Deep(context), count =>
        {
            AnyFactory.Make = context => TorchLayers.Deep(context);
            using var model = Fit(Options("deep"));
            using var folder = new Folder();
            _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"));
            var view = SmallModules.View(_ml, s_rows);
            var renamed = _ml.Transforms.CopyColumns("features", "Features").Fit(view).Transform(view);
            using var onnx = _ml.Transforms.ApplyOnnxModel("probabilities", "features", folder.File("model.onnx")).Fit(renamed);
            SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(view)),
                [.. onnx.Transform(renamed).GetColumn<float[]>("probabilities")], 1e-5f);

            using var session = new InferenceSession(folder.File("model.onnx"));
            CollectionAssert.AreEqual(new[] { -1, 6 }, session.InputMetadata["features"].Dimensions);
            CollectionAssert.AreEqual(model.Classes.ToArray(),
                JsonSerializer.Deserialize<string[]>(session.ModelMetadata.CustomMetadataMap["classes"]));
            Assert.AreEqual("module 'any'", session.ModelMetadata.CustomMetadataMap["module"]);
            using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema);
            var scored = ((ITransformer)chain).Transform(view);
            SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(view)), SmallTraining.Scores(scored));
            CollectionAssert.AreEqual(SmallTraining.PredictedKeys(model.Transform(view)), SmallTraining.PredictedKeys(scored));
            StringAssert.Contains(
                Assert.ThrowsExactly<NotSupportedException>(
                    () => _ml.FineTuning.ExportOnnx(model, folder.File("x.onnx"), OnnxPrecision.Int8(view))).Message,
                    "OnnxPrecision.Float16");
            count(1);
        });
    }

    [TestMethod]
    public void NumbersAndProbabilitiesOfYesAreInTheFileAsWell()
    {
        TorchLayers.Count(context => TorchLayers.Deep(context), count =>
        {
            AnyFactory.Make = context => TorchLayers.Deep(context);
            var view = SmallModules.View(_ml, s_rows);
            var input = new DenseTensor<float>(s_rows.SelectMany(row => row.Features).ToArray(), [s_rows.Length, 6]);
            using var folder = new Folder();
            using var regression = (FineTuningTransformer)_ml.Regression.Trainers
                .FineTuneModule(SmallModules.Regression with { Factory = new AnyFactory(), Epochs = 4 }).Fit(view);
            using var binary = (FineTuningTransformer)_ml.BinaryClassification.Trainers
                .FineTuneModule(SmallModules.Binary with { Factory = new AnyFactory(), Epochs = 4 }).Fit(view);

            foreach (var (model, output, column) in ((FineTuningTransformer, string, string)[])
                [(regression, "score", "Score"), (binary, "probability", "Probability")])
            {
                _ml.FineTuning.ExportOnnx(model, folder.File($"{output}.onnx"));
                using var session = new InferenceSession(folder.File($"{output}.onnx"));
                using var results = session.Run([NamedOnnxValue.CreateFromTensor("features", input)], [output]);
                Fixture.AreClose(
                    [.. model.Transform(view).GetColumn<float>(column).Select(value => (double)value)],
                    [.. results.Single().AsEnumerable<float>().Select(value => (double)value)], 1e-5, output);
            }
            count(2);
        });
    }

    [TestMethod]
    public void PicturesOfAModuleAreNormalisedInside()
    {
        var preprocessing = new ImagePreprocessing
        {
            Size = 32,
            CropFraction = 1,
            Mean = ColorTriple.ImageNetMean,
            Std = ColorTriple.ImageNetStd
        };
        TorchLayers.Count(context => OfPictures(3), count =>
        {
            AnyFactory.Make = context => OfPictures(context.Outputs);
            var photos = SmallPictures.Take(4);
            var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, photos));
            using var model = (FineTuningTransformer)_ml.MulticlassClassification.Trainers.FineTuneModule(Options("deep") with
            {
                LabelColumnName = "Label",
                Inputs = [ModuleInput.Image("ImagePath", preprocessing)],
                Validation = ValidationData.None,
                Epochs = 2,
            }).Fit(view);
            using var folder = new Folder();
            _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"));
            using var session = new InferenceSession(folder.File("model.onnx"));
            var bytes = new byte[2 * 32 * 32 * 3];
            new Random(3).NextBytes(bytes);
            var pixels = new DenseTensor<float>([2, 3, 32, 32]);
            for (var i = 0; i < bytes.Length; i++)
                pixels[i / 3 / 32 / 32, i % 3, i / 3 / 32 % 32, i / 3 % 32] = bytes[i];
            using var results = session.Run([NamedOnnxValue.CreateFromTensor("pixels", pixels)], ["logits"]);
            double[] expected = [];
            model.Scorer.Read(network =>
            {
                using var scope = NewDisposeScope();
                using var collator = model.Inputs.CreateCollator(CPU);
                using var inputs = collator.Collate(bytes, 2);
                expected = network.ForwardRest(inputs, 0).Values();
            });
            Fixture.AreClose(expected, [.. results.Single().AsEnumerable<float>().Select(value => (double)value)], 1e-4, "logit");
            count(1);
        });

        static nn.Module OfPictures(int outputs) => nn.Sequential(
            ("conv", nn.Conv2d(3, 4, 3, stride: 2)), ("relu", nn.ReLU()), ("pool", nn.AdaptiveAvgPool2d(1)), ("flat", nn.Flatten()),
            ("head", nn.Linear(4, outputs)));
    }

    [TestMethod]
    public void WhatIsNotKnownIsNamedWithWhatIs()
    {
        Refuses(context => new TwoLayers(6, 8, context.Outputs, 0),
            "The module 'any' is a TwoLayers, and nothing is known of what it computes; known are Sequential, Linear");
        Refuses(context => nn.Sequential(("inner", nn.Sequential(("dense", new Dense(6, 8)))), ("head", new Dense(8, context.Outputs))),
            "Layer 'inner.dense' of module 'any' is a Dense");
        Refuses(context => nn.Sequential(("head", new Dense(6, context.Outputs)), ("odd", nn.Mish())),
            "Layer 'head' of module 'any' is a Dense");
        using var two = Fit(SmallModules.Multiclass with { Factory = new EmbeddedFactory(), Inputs = ["Features", "Color"], Epochs = 1 });
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => _ml.FineTuning.ExportOnnx(two, "x.onnx")).Message,
            "The module 'embedded' is a Embedded, and nothing is known of what it computes");
        TorchLayers.Count(context => Odd(context), count =>
        {
            Refuses(Odd, "Layer 'flat' of module 'any' is a Flatten from dimension 2 to -1");
            count(1);
        });
        Assert.IsFalse(File.Exists("x.onnx"));

        static nn.Module Odd(ModuleContext context) => nn.Sequential(
            ("flat", nn.Flatten(start_dim: 2)), ("all", nn.Flatten()), ("head", nn.Linear(6, context.Outputs)));

        void Refuses(Func<ModuleContext, nn.Module> make, string message)
        {
            AnyFactory.Make = make;
            var options = Options("deep") with { Epochs = 1 };
            using var model = Fit(message.Contains("Flatten", StringComparison.Ordinal)
                ? options with { Inputs = [ModuleInput.Column("Features", 1, 2, 3)] }
                : options);
            StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(
                () => _ml.FineTuning.ExportOnnx(model, "x.onnx")).Message, message);
        }
    }

    private static nn.Module Make(string layers, ModuleContext context) => layers switch
    {
        "deep" => TorchLayers.Deep(context),
        "norms" => nn.Sequential(
            ("in", nn.Linear(6, 12)), ("norm", nn.BatchNorm1d(12)), ("tanh", nn.Tanh()), ("layer", nn.LayerNorm([12])),
            ("plain", nn.LayerNorm([12], elementwise_affine: false)),
            ("bare", nn.BatchNorm1d(12, affine: false)), ("drop", nn.Dropout(0.2)), ("head", nn.Linear(12, context.Outputs))),
        "activations" => nn.Sequential(
            ("in", nn.Linear(6, 16, hasBias: false)), ("a", nn.LeakyReLU(0.2)), ("b", nn.ELU(0.7)), ("c", nn.SiLU()), ("d", nn.Hardswish()),
            ("mid", nn.Linear(16, 16)), ("e", nn.Sigmoid()),
            ("f", nn.Identity()), ("up", nn.Linear(16, 16)), ("g", nn.ReLU6()), ("head", nn.Linear(16, context.Outputs))),
        "convolutions" => TorchLayers.Convolutions(context),
        "pools" => nn.Sequential(
            ("conv", nn.Conv2d(1, 8, 3, padding: 2)), ("max", nn.MaxPool2d(2, stride: 1)),
            ("mean", nn.AvgPool2d([2, 2], padding: [1, 1], count_include_pad: false)), ("relu", nn.ReLU()),
            ("conv2", nn.Conv2d(8, 8, 1, groups: 2)), ("top", nn.AdaptiveMaxPool2d([1, 1])), ("flat", nn.Flatten()),
            ("head", nn.Linear(8, context.Outputs))),
        "convolution in one dimension" => nn.Sequential(
            ("conv", nn.Conv1d(2, 8, 2, padding: 1, dilation: 2)), ("relu", nn.ReLU()), ("flat", nn.Flatten()),
            ("head", nn.Linear(24, context.Outputs))),
        "same padding" => nn.Sequential(
            ("conv", nn.Conv2d(1, 8, (2, 3), padding: Padding.Same)), ("relu", nn.ReLU()), ("flat", nn.Flatten()),
            ("head", nn.Linear(48, context.Outputs))),
        "nested" => nn.Sequential(
            ("body", nn.Sequential(("one", nn.Linear(6, 8)), ("act", nn.Sequential(("relu", nn.ReLU()), ("drop", nn.Dropout(0.1)))))),
            ("head", nn.Linear(8, context.Outputs))),
        "gates" => nn.Sequential(("in", nn.Linear(6, 8)), ("h", nn.Hardsigmoid()), ("mid", nn.Linear(8, 8)), ("i", nn.Softmax(1)),
            ("head", nn.Linear(8, context.Outputs))),
        _ => nn.Sequential(("act", nn.Tanh()), ("head", nn.Linear(6, context.Outputs))),
    };

    private static ModuleFineTuningOptions Options(string layers) => SmallModules.Multiclass with
    {
        Factory = new AnyFactory(),
        Inputs = [layers switch
        {
            "convolutions" or "pools" or "same padding" => ModuleInput.Column("Features", 1, 2, 3),
            "convolution in one dimension" => ModuleInput.Column("Features", 2, 3),
            _ => "Features",
        }],
        Epochs = 15,
        LearningRate = 0.05f,
    };

    private FineTuningTransformer Fit(ModuleFineTuningOptions options, TableRow[]? rows = null) =>
        (FineTuningTransformer)_ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, rows ?? s_rows));

    private void Verify(FineTuningTransformer model, string layers, OnnxPrecision? precision = null, double tolerance = 1e-5)
    {
        using var folder = new Folder();
        _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"), precision);
        using var session = new InferenceSession(folder.File("model.onnx"));
        int[] shape = layers switch
        {
            "convolutions" or "pools" or "same padding" => [1, 2, 3],
            "convolution in one dimension" => [2, 3],
            _ => [6]
        };
        var expected = SmallTraining.Scores(model.Transform(SmallModules.View(_ml, s_rows)));
        Assert.IsGreaterThan(0.02, expected.Max(row => row[0]) - expected.Min(row => row[0]), "a network that says nothing proves nothing");
        foreach (var count in (int[])[s_rows.Length, 1])
        {
            var input = new DenseTensor<float>(s_rows.Take(count).SelectMany(row => row.Features).ToArray(), [count, .. shape]);
            using var results = session.Run([NamedOnnxValue.CreateFromTensor("features", input)], ["probabilities"]);
            Fixture.AreClose(
                [.. expected.Take(count).SelectMany(row => row.Select(score => (double)score))],
                [.. results.Single().AsEnumerable<float>().Select(score => (double)score)], tolerance, $"{layers}: score of {count} rows");
        }
    }
}
