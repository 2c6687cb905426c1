using System.Globalization;
using System.Text;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Transforms.Onnx;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Text models as chains of tokenizer, ONNX Runtime and ML.NET's scorers.</summary>
[TestClass]
public sealed class TextChainTests
{
    // Its own output folder: that of the tests contains libtorch.
    private static readonly string OnnxTexts = Path.Combine(
        Repository.Root, "tests", "MlNetFineTune.OnnxTexts", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0",
        "MlNetFineTune.OnnxTexts.dll");

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void TheChainHasTheColumnsAndScoresOfTheModelAlsoWhenLoadedAndRowByRow(bool isPair)
    {
        var options = ExportedText.OfClasses with
        {
            SecondTextColumnName = isPair ? nameof(TextRow.Second) : null,
            MaximumLength = 20,
            Truncation = TextTruncation.KeepBoth,
        };
        using var model = ExportedText.Fit(_ml, options);
        // More than a batch, most of them several times.
        TextRow[] rows = [.. Enumerable.Repeat(ExportedText.Rows(), 6).SelectMany(all => all)];
        var view = SmallTexts.View(_ml, rows);
        var expected = model.Transform(view);
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema);
        using var loaded = (IDisposable)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, (ITransformer)chain, view.Schema)), out _);

        foreach (var one in (ITransformer[])[(ITransformer)chain, (ITransformer)loaded])
        {
            var scored = one.Transform(view);
            SmallTraining.AssertClose(SmallTraining.Scores(expected), SmallTraining.Scores(scored));
            CollectionAssert.AreEqual(SmallTraining.PredictedKeys(expected), SmallTraining.PredictedKeys(scored));
            Assert.AreEqual(
                _ml.MulticlassClassification.Evaluate(expected).MicroAccuracy,
                _ml.MulticlassClassification.Evaluate(scored).MicroAccuracy);
            CollectionAssert.AreEquivalent(Visible(expected), Visible(scored));
            VBuffer<ReadOnlyMemory<char>> names = default;
            scored.Schema["Score"].GetSlotNames(ref names);
            CollectionAssert.AreEqual(new[] { "bad", "good" }, names.DenseValues().Select(name => name.ToString()).ToArray());
            using var engine = _ml.Model.CreatePredictionEngine<TextRow, ClassPrediction>(one);
            foreach (var (row, scores) in rows.Zip(SmallTraining.Scores(expected)).Take(30))
                SmallTraining.AssertClose([scores], [engine.Predict(row).Score]);
        }
    }

    [TestMethod]
    public void EachHeadHasItsColumns()
    {
        using var model = SeveralTexts.Fit(_ml);
        var data = SeveralTexts.View(_ml, SeveralTexts.Take(20, seed: 3));
        var expected = model.Transform(data);
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, data.Schema);
        var scored = ((ITransformer)chain).Transform(data);

        CollectionAssert.AreEquivalent(Visible(expected), Visible(scored));
        foreach (var column in (string[])["KindScore", "GradeScore", "TagsScore"])
            SmallTraining.AssertClose(SmallTraining.Scores(expected, column), SmallTraining.Scores(scored, column));
        foreach (var column in (string[])["NumberScore", "IsGoodScore", "IsGoodProbability"])
            SmallTraining.AssertClose([[.. expected.GetColumn<float>(column)]], [[.. scored.GetColumn<float>(column)]]);
        CollectionAssert.AreEqual(
            expected.GetColumn<bool>("IsGoodPredictedLabel").ToArray(), scored.GetColumn<bool>("IsGoodPredictedLabel").ToArray());
        CollectionAssert.AreEqual(
            expected.GetColumn<bool[]>("TagsPredictedLabel").SelectMany(row => row).ToArray(),
            scored.GetColumn<bool[]>("TagsPredictedLabel").SelectMany(row => row).ToArray());
    }

    [TestMethod]
    public void AProgramWithoutLibTorchScoresTheSame()
    {
        using var model = ExportedText.Fit(_ml, ExportedText.OfClasses);
        string[] texts = ["a good film.", "The book was awful", "unknown words", ""];
        var view = SmallTexts.View(_ml, texts.Select(text => new TextRow { Text = text }));
        var tokens = _ml.Transforms.TokenizeText("Ids", model).Fit(view);
        using var folder = new Folder();
        _ml.Model.Save(tokens, view.Schema, folder.File("tokens.zip"));
        using (var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema))
            _ml.Model.Save((ITransformer)chain, view.Schema, folder.File("chain.zip"));
        Assert.IsEmpty(
            Directory.EnumerateFiles(Path.GetDirectoryName(OnnxTexts)!, "*torch_cpu*", SearchOption.AllDirectories),
            "a program with libtorch proves nothing");

        var printed = DotNet.Run([OnnxTexts, folder.File("tokens.zip"), folder.File("chain.zip"), .. texts])
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

        var expected = SmallTraining.Scores(model.Transform(view));
        Assert.HasCount(2 * texts.Length + 2, printed);
        CollectionAssert.AreEqual(
            tokens.Transform(view).GetColumn<long[]>("Ids").Select(ids => string.Join(' ', ids)).ToArray(), printed[..texts.Length]);
        SmallTraining.AssertClose(expected, [.. printed[texts.Length..^2].Select(Numbers)]);
        SmallTraining.AssertClose([expected[0]], [Numbers(printed[^2])]);
        Assert.AreEqual("no library of libtorch is loaded", printed[^1]);

        static float[] Numbers(string line) => [.. line.Split(' ').Select(text => float.Parse(text, CultureInfo.InvariantCulture))];
    }

    [TestMethod]
    public void ARefusedTextHasNoScores()
    {
        var options = ExportedText.OfClasses with { MaximumLength = 12, Truncation = TextTruncation.Refuse, BadRows = BadRows.Skip(1f) };
        using var model = ExportedText.Fit(_ml, options);
        var view = SmallTexts.View(_ml, ExportedText.Rows());
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema);
        var (expected, actual) = (SmallTraining.Scores(model.Transform(view)), SmallTraining.Scores(((ITransformer)chain).Transform(view)));
        Assert.Contains(row => float.IsNaN(row[0]), expected);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(float.IsNaN(expected[i][0]), float.IsNaN(actual[i][0]), $"row {i}");
            Assert.AreEqual(expected[i][1], actual[i][1], 1e-5f, $"row {i}");
        }
        var log = new LogLines(_ml);
        CollectionAssert.AreEqual(
            SmallTraining.PredictedKeys(model.Transform(view)), SmallTraining.PredictedKeys(((ITransformer)chain).Transform(view)));
        Assert.Contains(line => line.Contains("tokens, and at most 12 are allowed", StringComparison.Ordinal), log.Warnings);
    }

    [TestMethod]
    public void AColumnThatIsMissingIsNamed()
    {
        using var model = ExportedText.Fit(_ml, ExportedText.OfClasses);
        var other = _ml.Data.LoadFromEnumerable([new { Number = 1f }]);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.FineTuning.ToOnnxPipeline(model, other.Schema)).Message, "Text");
    }

    [TestMethod]
    public void ADisposedChainSaysSoAndLeavesNoFile()
    {
        using var model = ExportedText.Fit(_ml, ExportedText.OfClasses);
        using var folder = new Folder();
        var ml = new MLContext { TempFilePath = folder.Path };
        var view = SmallTexts.View(ml, ExportedText.Rows());
        var chain = ml.FineTuning.ToOnnxPipeline(model, view.Schema);
        var zip = SmallTraining.Save(ml, chain, view.Schema);
        var scored = chain.Transform(view);
        Assert.HasCount(1, Directory.GetFiles(folder.Path, "*.onnx"));
        ((IDisposable)chain).Dispose();
        // ML.NET wraps errors of its workers.
        var error = Assert.Throws<Exception>(() => SmallTraining.Scores(scored));
        StringAssert.Contains(Assert.IsInstanceOfType<ObjectDisposedException>(error.GetBaseException()).Message, "ToOnnxPipeline");
        Assert.ThrowsExactly<ObjectDisposedException>(() => SmallTraining.Save(ml, chain, view.Schema));

        using (var loaded = (IDisposable)ml.Model.Load(new MemoryStream(zip), out _))
            Assert.HasCount(1, Directory.GetFiles(folder.Path, "*.onnx"));
        Assert.IsEmpty(Directory.GetFiles(folder.Path, "*.onnx"));
    }

    [TestMethod]
    public void SessionsHaveTheOptionsOfTheContext()
    {
        using var model = ExportedText.Fit(_ml, ExportedText.OfClasses);
        var view = SmallTexts.View(_ml, ExportedText.Rows());
        var created = 0;
        var ml = new MLContext();
        ml.SetOnnxSessionOption(new OnnxSessionOptions
        {
            CreateSessionOptions = () =>
            {
                created++;
                return new SessionOptions { IntraOpNumThreads = 1 };
            },
        });
        using var chain = (IDisposable)ml.FineTuning.ToOnnxPipeline(model, view.Schema);
        Assert.AreEqual(1, created);
        using var loaded = (IDisposable)ml.Model.Load(new MemoryStream(SmallTraining.Save(ml, (ITransformer)chain, view.Schema)), out _);
        Assert.AreEqual(2, created);

        var threads = new MLContext();
        threads.SetOnnxSessionOption(new OnnxSessionOptions { IntraOpNumThreads = 1, LogId = "texts" });
        using var other = (IDisposable)threads.FineTuning.ToOnnxPipeline(model, view.Schema);
        SmallTraining.AssertClose(
            SmallTraining.Scores(model.Transform(view)), SmallTraining.Scores(((ITransformer)other).Transform(view)));
    }

    // The tests have ONNX Runtime's package for CPUs.
    [TestMethod]
    public void AGpuThatTheRuntimeHasNotIsAnErrorOrReplacedByTheCpu()
    {
        using var model = ExportedText.Fit(_ml, ExportedText.OfClasses);
        var view = SmallTexts.View(_ml, ExportedText.Rows());
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema);
        var zip = SmallTraining.Save(_ml, (ITransformer)chain, view.Schema);

        var strict = new MLContext { GpuDeviceId = 0, FallbackToCpu = false };
        Assert.ThrowsExactly<InvalidOperationException>(() => strict.FineTuning.ToOnnxPipeline(model, view.Schema));
        var error = Assert.Throws<Exception>(() => strict.Model.Load(new MemoryStream(zip), out _));
        StringAssert.Contains(error.GetBaseException().Message, "Microsoft.ML.OnnxRuntime.Gpu");

        var lenient = new MLContext { GpuDeviceId = 0, FallbackToCpu = true };
        var log = new LogLines(lenient);
        using var loaded = (IDisposable)lenient.Model.Load(new MemoryStream(zip), out _);
        Assert.Contains(line => line.StartsWith("Device: CPU.", StringComparison.Ordinal), log.Warnings);
        SmallTraining.AssertClose(
            SmallTraining.Scores(model.Transform(view)), SmallTraining.Scores(((ITransformer)loaded).Transform(view)));
    }

    [TestMethod]
    public void ADamagedFileIsRefused()
    {
        using var model = ExportedText.Fit(_ml, ExportedText.OfClasses);
        var view = SmallTexts.View(_ml, ExportedText.Rows());
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema);
        var zip = SmallTraining.Save(_ml, (ITransformer)chain, view.Schema);
        foreach (var entry in (string[])["network.onnx", "vocabulary.txt"])
        {
            StringAssert.Contains(Refused(Zip.With(zip, entry, bytes =>
            {
                bytes[^9] ^= 1;
                return bytes;
            })), "SHA-256", entry);
        }
        StringAssert.Contains(Refused(Zip.With(zip, "network.onnx", _ => null)), "network.onnx");
        StringAssert.Contains(Refused(Zip.With(zip, "network.onnx", bytes => [.. bytes, 0])), "network.onnx");
        StringAssert.Contains(Refused(Manifest("Output.logits", "Output.nothing")), "other inputs or outputs");
        StringAssert.Contains(Refused(Manifest("\"Length\": 2", "\"Length\": 3")), "other inputs or outputs");
        StringAssert.Contains(Refused(Manifest("\"Length\": 2", "\"Length\": 0")), "none of a network");
        StringAssert.Contains(Refused(Manifest("\"FormatVersion\": 1", "\"FormatVersion\": 0")), "format version");

        byte[] Manifest(string text, string other) => Zip.With(zip, "manifest.json", bytes =>
        {
            var before = Encoding.UTF8.GetString(bytes);
            var after = before.Replace(text, other, StringComparison.Ordinal);
            Assert.AreNotEqual(before, after);
            return Encoding.UTF8.GetBytes(after);
        });

        string Refused(byte[] damaged)
        {
            var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(damaged), out _));
            while (error.InnerException is { } inner)
                error = inner;
            Assert.IsInstanceOfType<InvalidDataException>(error);
            return error.Message;
        }
    }

    private static string[] Visible(IDataView view) => [.. view.Schema.Where(column => !column.IsHidden).Select(column => column.Name)];

    private sealed class ClassPrediction
    {
        public float[] Score { get; set; } = [];
    }
}
