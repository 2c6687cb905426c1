using Microsoft.ML;
using MlNetFineTune.Primitives;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Tests.Support;

/// <summary>A text encoder of two layers in a folder as on the hub, and texts whose words say their labels.</summary>
internal static class SmallTexts
{
    private static readonly string[] s_good = ["good", "fine", "great"];
    private static readonly string[] s_bad = ["bad", "poor", "awful"];
    private static readonly string[] s_other = ["the", "a", "film", "book", "is", "was", "very", "not", "##s", ".", "!"];
    private static readonly Lazy<string> s_folder = new(() => CreateFolder("bert"));

    public static IReadOnlyList<string> Vocabulary { get; } =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", .. s_good, .. s_bad, .. s_other];

    /// <summary>Folder of the model of the form of BERT, with random weights.</summary>
    public static string Folder => s_folder.Value;

    public static TextBackbone Backbone => TextBackbone.FromFolder(Folder);

    /// <summary>Everything trains at one rate, without dropout; no validation, seed 1.</summary>
    public static TextFineTuningOptions Options => new()
    {
        Backbone = Backbone,
        Strategy = Strategy.Full(1),
        Validation = ValidationData.None,
        LearningRate = 5e-3f,
        Epochs = 6,
        BatchSize = 16,
        MaximumLength = 24,
        Seed = 1,
    };

    /// <summary>Creates the folder of a model.</summary>
    /// <param name="kind">Kind of the network, as <c>model_type</c>.</param>
    /// <param name="dropout">Probability of dropout.</param>
    /// <param name="layers">Number of layers.</param>
    public static string CreateFolder(string kind, double dropout = 0, int layers = 2)
    {
        var folder = SmallPictures.NewFolder();
        var rate = FormattableString.Invariant($"{dropout}");
        File.WriteAllText(Path.Combine(folder, "config.json"), kind switch
        {
            "distilbert" => $$"""
                {"model_type": "distilbert", "vocab_size": {{Vocabulary.Count}}, "dim": 16, "n_layers": {{layers}}, "n_heads": 2,
                 "hidden_dim": 32, "max_position_embeddings": 32, "activation": "gelu", "dropout": {{rate}}, "attention_dropout": {{rate}}}
                """,
            // Most texts are longer than the window of the local layers.
            "modernbert" => $$"""
                {"model_type": "modernbert", "vocab_size": {{Vocabulary.Count}}, "hidden_size": 16, "num_hidden_layers": {{layers}},
                 "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 34, "local_attention": 6,
                 "embedding_dropout": {{rate}}, "mlp_dropout": {{rate}}, "attention_dropout": {{rate}}}
                """,
            _ => $$"""
                {"model_type": "{{kind}}", "vocab_size": {{Vocabulary.Count}}, "hidden_size": 16, "num_hidden_layers": {{layers}},
                 "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 34, "type_vocab_size": 2,
                 "hidden_dropout_prob": {{rate}}, "attention_probs_dropout_prob": {{rate}}}
                """,
        });
        File.WriteAllText(Path.Combine(folder, "vocab.txt"), string.Join('\n', Vocabulary) + "\n");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}""");
        using var encoder = TextBackbone.FromScratch(folder).CreateEncoder(seed: 7);
        SafeTensorsWriter.WriteFile(
            Path.Combine(folder, "model.safetensors"),
            [.. encoder.NamedParameters().Select(named => (named.Name, (TorchSharp.torch.Tensor)named.Parameter))],
            new Dictionary<string, string>());
        return folder;
    }

    /// <summary>Rows with one, two or three words of the same kind among others, of different lengths.</summary>
    public static TextRow[] Take(int count, int seed = 1) => [.. Enumerable.Range(0, count).Select(row => Row(row, seed))];

    public static IDataView View(MLContext ml, IEnumerable<TextRow> rows)
    {
        var classes = ml.Data.LoadFromEnumerable(new[] { "bad", "good" }.Select(name => new ClassName { Name = name }));
        var data = ml.Data.LoadFromEnumerable(rows);
        return ml.Transforms.Conversion.MapValueToKey("Label", nameof(TextRow.Kind), keyData: classes).Fit(data).Transform(data);
    }

    /// <summary>
    /// A training that is cancelled in its second epoch, and fitted again from its checkpoint, has the weights of one that is not.
    /// </summary>
    public static void AssertResumes(Func<TextFineTuningOptions, FineTuningTransformer> fit, TextFineTuningOptions options)
    {
        using var whole = fit(options);
        using var stop = new CancellationTokenSource();
        var resumable = options with { Checkpoint = TrainingCheckpoint.EveryEpochs(SmallPictures.NewFolder()) };
        var watcher = new Watcher(progress =>
        {
            if (progress.Epoch == 2)
                stop.Cancel();
        });
        Assert.Throws<OperationCanceledException>(
            () => fit(resumable with { Progress = watcher, CancellationToken = stop.Token }).Dispose());
        using var resumed = fit(resumable);
        Assert.IsNotNull(resumed.Report!.Resumed);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(resumed));
    }

    private static TextRow Row(int row, int seed)
    {
        var random = new CountedRandom(seed, RandomStream.Shuffle, epoch: 0, row);
        var isGood = row % 2 == 0;
        var words = new List<string>();
        var marked = 1 + random.NextInt(3);
        for (var i = 0; i < marked; i++)
            words.Add((isGood ? s_good : s_bad)[random.NextInt(3)]);
        var others = random.NextInt(10);
        for (var i = 0; i < others; i++)
            words.Add(s_other[random.NextInt(8)]);
        var all = words.ToArray();
        random.Shuffle<string>(all);
        return new TextRow
        {
            Text = string.Join(' ', all),
            Second = string.Join(' ', all.Take(all.Length / 2)),
            Kind = isGood ? "good" : "bad",
            IsGood = isGood,
            Number = isGood ? marked : -marked,
        };
    }

    private sealed class ClassName
    {
        public string Name { get; set; } = "";
    }
}

/// <summary>A text with labels of several tasks.</summary>
internal sealed class TextRow
{
    public string Text { get; set; } = "";

    public string Second { get; set; } = "";

    public string Kind { get; set; } = "";

    public bool IsGood { get; set; }

    public float Number { get; set; }
}
