using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Text;

/// <summary>Tokens as columns: <c>ml.Transforms.TokenizeText</c>.</summary>
[TestClass]
public sealed class TokenizeTextTests
{
    private static readonly TextTokenizingOptions s_all = new()
    {
        MaximumLength = 9,
        SecondTextColumnName = nameof(TextRow.Second),
        MaskColumnName = "Mask",
        TokenTypesColumnName = "Types",
        TokensColumnName = "Tokens",
        OffsetsColumnName = "Offsets",
        StatusColumnName = "Status",
    };

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void EveryColumnSaysWhereItsTokensAre(bool pads)
    {
        var data = View(new TextRow { Text = "Good films", Second = "bad" }, new TextRow { Text = "", Second = " x" });
        var transformer = _ml.Transforms.TokenizeText("Ids", "Text", SmallTexts.Folder, s_all with { PadToMaximumLength = pads }).Fit(data);
        var loaded = _ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, transformer, data.Schema)), out _);
        foreach (var one in (ITransformer[])[transformer, loaded])
        {
            Tokenized[] rows = [.. _ml.Data.CreateEnumerable<Tokenized>(one.Transform(data), reuseRowObject: false)];
            var padding = pads ? " [PAD] [PAD]" : "";
            Assert.AreEqual("[CLS] good film ##s [SEP] bad [SEP]" + padding, string.Join(' ', rows[0].Tokens));
            CollectionAssert.AreEqual(Padded(9, [.. "[CLS] good film ##s [SEP] bad [SEP]".Split(' ').Select(IdOf)]), Ints(rows[0].Ids));
            CollectionAssert.AreEqual(Padded(9, 1, 1, 1, 1, 1, 1, 1), Ints(rows[0].Mask));
            CollectionAssert.AreEqual(Padded(9, 0, 0, 0, 0, 0, 1, 1), Ints(rows[0].Types));
            CollectionAssert.AreEqual(Padded(18, 0, 0, 0, 4, 5, 9, 9, 10, 0, 0, 0, 3, 0, 0), rows[0].Offsets);
            Assert.StartsWith("[CLS] [SEP] [UNK] [SEP]", string.Join(' ', rows[1].Tokens));
            CollectionAssert.AreEqual(new[] { 0, 0, 0, 0, 1, 2, 0, 0 }, rows[1].Offsets[..8]);
            Assert.AreEqual("", rows[0].Status);
        }

        int[] Padded(int length, params int[] numbers) => pads ? [.. numbers, .. new int[length - numbers.Length]] : numbers;
        static int IdOf(string token) => SmallTexts.Vocabulary.Index().Single(one => one.Item == token).Index;
        static int[] Ints(long[] numbers) => Array.ConvertAll(numbers, number => (int)number);
    }

    [TestMethod]
    public void ATextIsTruncatedAsInTrainingOrRefused()
    {
        var data = View(new TextRow { Text = "good fine great bad poor awful the a film book" }, new TextRow { Text = "good" });
        Assert.AreEqual("[CLS] good fine great bad [SEP]", Tokens(TextTruncation.KeepStart)[0].Joined);
        Assert.AreEqual("[CLS] the a film book [SEP]", Tokens(TextTruncation.KeepEnd)[0].Joined);
        Assert.AreEqual("[CLS] good a film book [SEP]", Tokens(TextTruncation.KeepBoth)[0].Joined);
        var refused = Tokens(TextTruncation.Refuse);
        Assert.AreEqual("", refused[0].Joined);
        StringAssert.Contains(refused[0].Status, "12 tokens");
        Assert.AreEqual("[CLS] good [SEP]", refused[1].Joined);

        Tokenized[] Tokens(TextTruncation truncation)
        {
            var options = s_all with { MaximumLength = 6, SecondTextColumnName = null, Truncation = truncation };
            var tokens = _ml.Transforms.TokenizeText("Ids", "Text", SmallTexts.Backbone, options).Fit(data).Transform(data);
            return [.. _ml.Data.CreateEnumerable<Tokenized>(tokens, reuseRowObject: false)];
        }
    }

    [TestMethod]
    public void AModelSaysHowItWasTrained()
    {
        var options = SmallTexts.Options with
        {
            Epochs = 1,
            MaximumLength = 8,
            Truncation = TextTruncation.KeepEnd,
            SecondTextColumnName = nameof(TextRow.Second),
        };
        using var model = _ml.MulticlassClassification.Trainers.FineTuneText(options).Fit(SmallTexts.View(_ml, SmallTexts.Take(32)));
        var data = View(new TextRow { Text = "good fine great bad poor", Second = "the" });
        var added = s_all with { MaximumLength = null, SecondTextColumnName = null };
        using var engine = _ml.Model.CreatePredictionEngine<TextRow, Tokenized>(_ml.Transforms.TokenizeText("Ids", model, added).Fit(data));
        var row = new TextRow { Text = "good fine great bad poor", Second = "the" };
        Assert.AreEqual("[CLS] fine great bad poor [SEP] the [SEP]", engine.Predict(row).Joined);
        Assert.AreEqual("[CLS] a [SEP] [SEP]", engine.Predict(new() { Text = "a" }).Joined);

        using var features = _ml.Transforms.ExtractTextFeatures("Features", "Text", SmallTexts.Backbone, new() { MaximumLength = 6 })
            .Fit(data);
        var ids = _ml.Transforms.TokenizeText("Ids", features).Fit(data).Transform(data).GetColumn<long[]>("Ids").Single();
        Assert.HasCount(6, ids);
    }

    [TestMethod]
    public void WrongUseIsAnError()
    {
        var data = View(new TextRow());
        var maps = _ml.Transforms.Conversion.MapValueToKey("Key", "Kind").Fit(data);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => _ml.Transforms.TokenizeText("Ids", maps)).Message, "has none");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(
                () => _ml.Transforms.TokenizeText("Ids", "Text", SmallTexts.Backbone, new() { MaskColumnName = "Ids" })).Message, "'Ids'");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(
                () => _ml.Transforms.TokenizeText("Ids", "Text", SmallTexts.Backbone, new() { MaximumLength = 100 })).Message, "100");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(
                () => _ml.Transforms.TokenizeText("Ids", "Text", SmallTexts.Backbone, new() { SecondTextColumnName = "Text" })).Message,
            "both in 'Text'");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TextTokenizingOptions { MaximumLength = 5 });
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TextTokenizingOptions { Truncation = (TextTruncation)9 });
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => _ml.Transforms.TokenizeText("Ids", "Text", "nowhere"));
        using var empty = new Folder();
        Assert.ThrowsExactly<FileNotFoundException>(() => _ml.Transforms.TokenizeText("Ids", "Text", empty.Path));
        var numbers = _ml.Data.LoadFromEnumerable([new { Text = 1f }]);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => _ml.Transforms.TokenizeText("Ids", "Text", SmallTexts.Backbone).Fit(numbers));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => _ml.Transforms.TokenizeText("Ids", "Words", SmallTexts.Backbone).GetOutputSchema(new SchemaShape([])));
    }

    [TestMethod]
    public void DefaultsAreThoseOfTheDocumentation() => Assert.AreEqual(
        new TextTokenizingOptions
        {
            MaximumLength = null,
            Truncation = null,
            SecondTextColumnName = null,
            PadToMaximumLength = false,
            MaskColumnName = null,
            TokenTypesColumnName = null,
            TokensColumnName = null,
            OffsetsColumnName = null,
            StatusColumnName = null,
        },
        new TextTokenizingOptions());

    private IDataView View(params TextRow[] rows) => _ml.Data.LoadFromEnumerable(rows);

    private sealed class Tokenized
    {
        public long[] Ids { get; set; } = [];

        public long[] Mask { get; set; } = [];

        public long[] Types { get; set; } = [];

        public string[] Tokens { get; set; } = [];

        public int[] Offsets { get; set; } = [];

        public string Status { get; set; } = "";

        public string Joined => string.Join(' ', Tokens);
    }
}
