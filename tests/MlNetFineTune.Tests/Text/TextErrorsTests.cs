using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Text;

/// <summary>Options, folders, data and model files that cannot be used.</summary>
[TestClass]
public sealed class TextErrorsTests
{
    private readonly MLContext _ml = new(seed: 1);

    private IDataView Train => SmallTexts.View(_ml, SmallTexts.Take(40));

    [TestMethod]
    public void AFolderThatIsNotWholeSaysWhatIsMissing()
    {
        Assert.ThrowsExactly<FileNotFoundException>(() => TextBackbone.FromFolder("no-such-folder"));
        foreach (var file in new[] { "config.json", "model.safetensors", "vocab.txt" })
        {
            var folder = SmallTexts.CreateFolder("bert");
            File.Delete(Path.Combine(folder, file));
            StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => TextBackbone.FromFolder(folder)).Message, file);
        }
    }

    [TestMethod]
    [DataRow("""{"model_type": "gpt2"}""", "'gpt2'", DisplayName = "another kind")]
    [DataRow("""{"hidden_size": 16}""", "no model_type", DisplayName = "no kind")]
    [DataRow("""{"model_type": "bert", "vocab_size": 20}""", "hidden_size", DisplayName = "without a size")]
    [DataRow("""[1, 2]""", "no JSON object", DisplayName = "an array")]
    [DataRow("""{"model_type": "bert",""", "not proper JSON", DisplayName = "cut off")]
    [DataRow(
        """
        {"model_type": "bert", "vocab_size": 20, "hidden_size": 15, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 8, "max_position_embeddings": 16}
        """, "not a multiple", DisplayName = "heads that do not fit")]
    [DataRow(
        """
        {"model_type": "bert", "vocab_size": 2000000000, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 8, "max_position_embeddings": 16}
        """, "vocabulary is 2000000000", DisplayName = "a vocabulary that is too large")]
    [DataRow(
        """
        {"model_type": "bert", "vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 8, "max_position_embeddings": 16, "position_embedding_type": "relative_key"}
        """, "relative_key", DisplayName = "relative positions")]
    [DataRow(
        """
        {"model_type": "bert", "vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 8, "max_position_embeddings": 16, "hidden_act": "silu"}
        """, "silu", DisplayName = "another activation")]
    [DataRow(
        """
        {"model_type": "mpnet", "vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 8, "max_position_embeddings": 16, "relative_attention_num_buckets": 64}
        """, "only 32 is supported", DisplayName = "other buckets of distances")]
    public void AConfigThatCannotBeUsedIsRefused(string config, string expected)
    {
        var folder = SmallTexts.CreateFolder("bert");
        File.WriteAllText(Path.Combine(folder, "config.json"), config);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => TextBackbone.FromFolder(folder)).Message, expected);
    }

    [TestMethod]
    public void ATokenizerOfAnotherModelIsRefused()
    {
        var folder = SmallTexts.CreateFolder("bert");
        File.AppendAllText(Path.Combine(folder, "vocab.txt"), "another\n");
        var error = Assert.ThrowsExactly<InvalidDataException>(() => TextBackbone.FromFolder(folder));
        StringAssert.Contains(error.Message, $"knows {SmallTexts.Vocabulary.Count + 1} tokens");
    }

    [TestMethod]
    public void WeightsOfAnotherNetworkAreRefusedBeforeTheDataAreRead()
    {
        var folder = SmallTexts.CreateFolder("bert", layers: 1);
        File.Copy(Path.Combine(SmallTexts.Folder, "config.json"), Path.Combine(folder, "config.json"), overwrite: true);
        var options = SmallTexts.Options with { Backbone = TextBackbone.FromFolder(folder) };
        var error = Assert.ThrowsExactly<InvalidDataException>(
            () => _ml.MulticlassClassification.Trainers.FineTuneText(options).Fit(Train));
        StringAssert.Contains(error.Message, "encoder.layer.1.attention.self.query.weight");
    }

    [TestMethod]
    public void OptionsThatCannotBeAreRefused()
    {
        Check(SmallTexts.Options with { MaximumLength = 35 }, "positions for 34 tokens");
        Check(SmallTexts.Options with { SecondTextColumnName = "Text" }, "both 'Text'");
        Check(SmallTexts.Options with { Augmentation = Augmentation.Light }, "rows here are texts");
        Check(SmallTexts.Options with { BatchNorm = BatchNormMode.Frozen }, "text networks have none");
        Check(SmallTexts.Options with { Strategy = Strategy.From("layer9") }, "layer9");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => SmallTexts.Options with { MaximumLength = 5 });
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => SmallTexts.Options with { MaxTokens = 0 });
        Assert.ThrowsExactly<ArgumentException>(() => SmallTexts.Options with { TextColumnName = " " });
        Assert.ThrowsExactly<ArgumentException>(() => SmallTexts.Options with { SecondTextColumnName = "" });
        Assert.IsNull((SmallTexts.Options with { SecondTextColumnName = null }).SecondTextColumnName);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => SmallTexts.Options with { Truncation = (TextTruncation)9 });
        Assert.ThrowsExactly<ArgumentException>(() => SmallTexts.Backbone.KeepLayers(2));
        Assert.ThrowsExactly<ArgumentException>(() => SmallTexts.Backbone.KeepLayers(1, 0));
        Assert.ThrowsExactly<ArgumentException>(() => SmallTexts.Backbone.KeepLayers());

        void Check(TextFineTuningOptions options, string expected) => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MulticlassClassification.Trainers.FineTuneText(options)).Message, expected);
    }

    [TestMethod]
    public void AColumnThatIsNoTextIsMlNetsOwnError()
    {
        Check(SmallTexts.Options with { TextColumnName = nameof(TextRow.Number) }, "Schema mismatch for text column 'Number'");
        Check(SmallTexts.Options with { SecondTextColumnName = "None" }, "'None'");

        void Check(TextFineTuningOptions options, string expected)
        {
            var trainer = _ml.MulticlassClassification.Trainers.FineTuneText(options);
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => trainer.Fit(Train)).Message, expected);
        }
    }

    [TestMethod]
    public void TruncatedTextsAreInTheLogAndRefusedOnesAreBadRows()
    {
        var log = new LogLines(_ml);
        var options = SmallTexts.Options with { MaximumLength = 6, Epochs = 1 };
        _ml.MulticlassClassification.Trainers.FineTuneText(options).Fit(Train).Dispose();
        StringAssert.Contains(log.ToString(), "texts have more than 6 tokens");
        StringAssert.Contains(log.ToString(), "of their tokens are padding");

        var refusing = options with { Truncation = TextTruncation.Refuse };
        var error = Assert.ThrowsExactly<InvalidDataException>(
            () => _ml.MulticlassClassification.Trainers.FineTuneText(refusing).Fit(Train));
        StringAssert.Contains(error.Message, "tokens, and at most 6 are allowed");

        var skipping = refusing with { BadRows = BadRows.Skip(maximumFraction: 1) };
        using var model = _ml.MulticlassClassification.Trainers.FineTuneText(skipping).Fit(Train);
        Assert.IsGreaterThan(0, model.Report!.BadRows.Count);
        var scores = model.Transform(SmallTexts.View(_ml, [new TextRow { Text = "good", Kind = "good" },
            new TextRow { Text = "good the a film book is was very", Kind = "good" }])).GetColumn<float[]>("Score").ToArray();
        Assert.IsTrue(float.IsFinite(scores[0][0]) && float.IsNaN(scores[1][0]));
    }

    [TestMethod]
    public void ADamagedVocabularyInAModelFileIsAnError()
    {
        using var model = _ml.MulticlassClassification.Trainers.FineTuneText(SmallTexts.Options with { Epochs = 1 }).Fit(Train);
        var zip = SmallTraining.Save(_ml, model, Train.Schema);
        var changed = Zip.With(zip, "vocabulary.txt", bytes => [bytes[0], (byte)(bytes[1] ^ 1), .. bytes[2..]]);
        StringAssert.Contains(Error(changed).ToString(), "SHA-256");
        StringAssert.Contains(Error(Zip.With(zip, "vocabulary.txt", _ => null)).ToString(), "has no vocabulary.txt");
    }

    [TestMethod]
    [DataRow("MaximumLength", "32", "31", "its texts of up to 32 tokens", DisplayName = "too few positions")]
    [DataRow("HasSegments", "false", null, "do not fit a network", DisplayName = "without segments")]
    public void AModelFileWhoseTextsDoNotFitItsNetworkIsDamaged(string property, string value, string? positions, string expected)
    {
        using var model = _ml.MulticlassClassification.Trainers.FineTuneText(SmallTexts.Options with { Epochs = 1 }).Fit(Train);
        var error = Error(Changed(SmallTraining.Save(_ml, model, Train.Schema), manifest =>
        {
            manifest["Input"]![property] = JsonNode.Parse(value);
            if (positions is not null)
                manifest["Encoder"]!["Config"]!["Positions"] = JsonNode.Parse(positions);
        })).ToString();
        StringAssert.Contains(error, expected);
        StringAssert.Contains(error, "makes no sense");
    }

    [TestMethod]
    public void AModelFileWithWordsOfALargerVocabularyOrWithNumbersIsDamaged()
    {
        using var words = _ml.FineTuning.FineTuneText(SmallWords.Options with { Epochs = 1 })
            .Fit(SmallWords.View(_ml, SmallWords.Take(40)));
        var zip = SmallTraining.Save(_ml, words);
        StringAssert.Contains(
            Error(Changed(zip, manifest => manifest["Encoder"]!["Config"]!["Vocabulary"] = 21)).ToString(), "do not fit a network");
        StringAssert.Contains(
            Error(Changed(zip, manifest => manifest["Input"] = JsonNode.Parse(
                """{"Kind": "Numbers", "Column": "A", "Dimensions": [4], "KeyCount": 0}"""))).ToString(), "reads texts");
    }

    [TestMethod]
    public void OnlyPhasesThatReadTextsHaveBatchesOfSimilarLength()
    {
        var log = new LogLines(_ml);
        var options = SmallTexts.Options with { Epochs = 2, MaxTokens = 40, Strategy = Strategy.HeadOnly };
        _ml.MulticlassClassification.Trainers.FineTuneText(options).Fit(Train).Dispose();
        Assert.DoesNotContain("are padding", log.ToString());

        _ml.MulticlassClassification.Trainers.FineTuneText(options with { Strategy = Strategy.ProbeThenFull() }).Fit(Train).Dispose();
        Assert.HasCount(1, log.All.Where(line => line.Contains("are padding", StringComparison.Ordinal)).ToList());
    }

    [TestMethod]
    public void ALargeTextIsScoredAmongOthersAsAlone()
    {
        using var model = _ml.MulticlassClassification.Trainers.FineTuneText(SmallTexts.Options with { Epochs = 1 }).Fit(Train);
        var large = new TextRow { Text = "good " + new string('x', 70_000) + " film", Kind = "good" };
        var others = SmallTexts.Take(3);
        var scores = model.Transform(SmallTexts.View(_ml, [others[0], large, others[1]])).GetColumn<float[]>("Score").ToArray();
        var alone = model.Transform(SmallTexts.View(_ml, [large])).GetColumn<float[]>("Score").ToArray();
        SmallTraining.AssertClose(alone, [scores[1]], 1e-5f);
    }

    // Nothing, blanks, characters without a token, unknown ones, and a million characters: rows like others, none is lost.
    [TestMethod]
    public void OddTextsAreRowsLikeOthers()
    {
        var log = new LogLines(_ml);
        string[] odd = ["", "  \t\n ", "\u0000\u200b\ufffd", "☃ ☃ ☃", string.Concat(Enumerable.Repeat("good film ", 100_000))];
        TextRow[] rows = [.. odd.Select(text => new TextRow { Text = text, Kind = "good" })];
        var training = SmallTexts.Take(40);
        using var model = _ml.MulticlassClassification.Trainers.FineTuneText(SmallTexts.Options with { Epochs = 2 })
            .Fit(SmallTexts.View(_ml, [.. training, .. rows]));
        Assert.IsEmpty(model.Report!.BadRows);
        StringAssert.Contains(log.ToString(), "1 of 45 texts have more than 24 tokens");

        var scores = model.Transform(SmallTexts.View(_ml, rows)).GetColumn<float[]>("Score").ToArray();
        Assert.IsTrue(scores.All(score => score.All(float.IsFinite)));
        CollectionAssert.AreEqual(scores[0], scores[1]); // both have no tokens
        CollectionAssert.AreNotEqual(scores[0], scores[3]);
        var cut = new TextRow { Text = string.Join(' ', odd[^1].Split(' ').Take(22)), Kind = "good" };
        SmallTraining.AssertClose(model.Transform(SmallTexts.View(_ml, [cut])).GetColumn<float[]>("Score").ToArray(), [scores[^1]], 1e-5f);
    }

    [TestMethod]
    public void CancellationEndsTheTraining()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsExactly<OperationCanceledException>(() => _ml.MulticlassClassification.Trainers
            .FineTuneText(SmallTexts.Options with { CancellationToken = cancelled.Token }).Fit(Train));
    }

    private static byte[] Changed(byte[] zip, Action<JsonNode> change) => Zip.With(zip, "manifest.json", bytes =>
    {
        var manifest = JsonNode.Parse(bytes)!;
        change(manifest);
        return Encoding.UTF8.GetBytes(manifest.ToJsonString());
    });

    private Exception Error(byte[] zip) => Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(zip), out _));
}
