using System.CommandLine;
using System.Globalization;
using MlNetFineTune;
using MlNetFineTune.Networks;
using MlNetFineTune.Tokenizers;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace Pretrain;

/// <summary>
/// <c>train-text</c>: learns a vocabulary, trains a text encoder from random weights by masked language modelling and then by contrastive
/// learning of pairs, writes a folder as on the hub.
/// </summary>
internal static class TrainTextCommand
{
    private const int RowLength = 128, RowsOfBatch = 16, ViewLength = 48, PairsOfBatch = 192;

    private static readonly string[] s_form = ["config.json", "vocab.txt", "tokenizer_config.json"];

    public static Command Create()
    {
        var documentation = new Option<DirectoryInfo>("--documentation")
        {
            Description = "Folder with XML documentation. Default: the reference packs of the SDK.",
            DefaultValueFactory = _ => new DirectoryInfo(ReferencePacks()),
        };
        var wordNet = new Option<DirectoryInfo>("--wordnet")
        {
            Description = "Folder of WordNet's database (Debian's package wordnet-base).",
            DefaultValueFactory = _ => new DirectoryInfo("/usr/share/wordnet"),
        };
        var from = new Option<DirectoryInfo?>("--from")
        {
            Description = "Folder of an encoder to continue with pairs, such as the folder 'masked' that an earlier run has written: its "
                + "vocabulary and weights replace the first part.",
        };
        var pieces = new Option<int>("--pieces") { Description = "Size of the vocabulary.", DefaultValueFactory = _ => 8000 };
        var wordSteps = new Option<int>("--word-steps")
        {
            Description = "Steps of contrastive learning of the embeddings alone.",
            DefaultValueFactory = _ => 8000,
        };
        var wordRate = new Option<double>("--word-rate")
        {
            Description = "Learning rate of the embeddings alone.",
            DefaultValueFactory = _ => 3e-3,
        };
        var maskedSteps = new Option<int>("--masked-steps")
        {
            Description = "Steps of masked language modelling.",
            DefaultValueFactory = _ => 3000,
        };
        var pairSteps = new Option<int>("--pair-steps") { Description = "Steps of contrastive learning.", DefaultValueFactory = _ => 2000 };
        var maskedRate = new Option<double>("--masked-rate")
        {
            Description = "Learning rate of masked language modelling.",
            DefaultValueFactory = _ => 2e-3,
        };
        var pairRate = new Option<double>("--pair-rate")
        {
            Description = "Learning rate of contrastive learning.",
            DefaultValueFactory = _ => 1e-3,
        };
        var seed = new Option<int>("--seed") { Description = "Decides weights, order and masks.", DefaultValueFactory = _ => 1 };
        var threads = new Option<int>("--threads")
        {
            Description = "Threads of libtorch.",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        var output = new Option<DirectoryInfo>("--output")
        {
            Description = "The folder to write.",
            DefaultValueFactory = _ => new DirectoryInfo("tiny-bert"),
        };
        var command = new Command("train-text", "Learns a vocabulary, trains a tiny text encoder, writes its folder.")
        {
            documentation, wordNet, from, pieces, wordSteps, wordRate, maskedSteps, pairSteps, maskedRate, pairRate, seed, threads, output,
        };
        command.SetAction(parsed =>
        {
            set_num_threads(parsed.GetValue(threads));
            var corpus = TextCorpus.Read(
                parsed.GetRequiredValue(documentation).FullName, parsed.GetRequiredValue(wordNet).FullName, parsed.GetValue(seed));
            Console.WriteLine($"{corpus.Training.Count:N0} entries of {corpus.Characters:N0} characters; {corpus.HeldOut.Count:N0} held out");
            var folder = parsed.GetRequiredValue(output).FullName;
            var masked = parsed.GetValue(from)?.FullName ?? Path.Combine(folder, "masked");
            if (parsed.GetValue(from) is null)
            {
                WriteForm(masked, WordPieceLearner.Learn(corpus.Training.Select(entry => entry.Passage), parsed.GetValue(pieces)));
                TrainMasked(
                    corpus, masked, parsed.GetValue(seed),
                    new PretrainingLoop("words", parsed.GetValue(wordSteps), parsed.GetValue(wordRate)),
                    new PretrainingLoop("masked", parsed.GetValue(maskedSteps), parsed.GetValue(maskedRate)));
            }
            Directory.CreateDirectory(folder);
            foreach (var file in s_form)
                File.Copy(Path.Combine(masked, file), Path.Combine(folder, file), overwrite: true);
            TrainPairs(
                corpus, TextBackbone.FromFolder(masked), folder, parsed.GetValue(seed),
                new PretrainingLoop("pairs", parsed.GetValue(pairSteps), parsed.GetValue(pairRate)));
        });
        return command;
    }

    private static void TrainMasked(TextCorpus corpus, string folder, int seed, PretrainingLoop words, PretrainingLoop masked)
    {
        var backbone = TextBackbone.FromScratch(folder);
        var tokenizer = backbone.Tokenizer!;
        using var encoder = backbone.CreateEncoder(seed);
        var named = encoder.NamedParameters();
        StartAsIdentity(named);
        var learning = new PairLearning(encoder, tokenizer.Specials.Padding, stages: 1);
        words.Run(
            [.. named.Where(one => encoder.StageOf(one.Name) == 0).Select(one => one.Parameter)],
            new PairBatches(TokenizedCorpus.Views(tokenizer, corpus.Training, ViewLength), PairsOfBatch, seed).Endless(), learning.Run);
        Evaluate(
            "words", new PairBatches(TokenizedCorpus.Views(tokenizer, corpus.HeldOut, ViewLength), PairsOfBatch, seed).Epoch(0),
            learning.Run);
        using var head = new LanguageHead(named.Single(one => one.Name == "embeddings.word_embeddings.weight").Parameter, seed);
        var modelling = new MaskedModelling(encoder, head, RowLength);
        var passages = TokenizedCorpus.Passages(tokenizer, corpus.Training);
        Console.WriteLine($"{passages.Sum(passage => passage.Length):N0} tokens");
        masked.Run(
            [.. named.Select(one => one.Parameter), .. head.Weights()],
            new MaskedBatches(passages, tokenizer, RowLength, RowsOfBatch, seed).Endless(), modelling.Run);
        var heldOut = TokenizedCorpus.Passages(tokenizer, corpus.HeldOut);
        Evaluate("masked", new MaskedBatches(heldOut, tokenizer, RowLength, RowsOfBatch, seed).Epoch(0), modelling.Run);
        Save(folder, encoder);
    }

    private static void TrainPairs(TextCorpus corpus, TextBackbone backbone, string folder, int seed, PretrainingLoop loop)
    {
        var tokenizer = backbone.Tokenizer!;
        using var encoder = backbone.CreateEncoder(seed);
        var learning = new PairLearning(encoder, tokenizer.Specials.Padding, encoder.Stages.Count);
        var views = TokenizedCorpus.Views(tokenizer, corpus.Training, ViewLength);
        loop.Run(
            [.. encoder.NamedParameters().Select(one => one.Parameter)], new PairBatches(views, PairsOfBatch, seed).Endless(),
            learning.Run);
        Evaluate(
            "pairs", new PairBatches(TokenizedCorpus.Views(tokenizer, corpus.HeldOut, ViewLength), PairsOfBatch, seed).Epoch(0),
            learning.Run);
        Save(folder, encoder);
    }

    // Layers whose branches add nothing at first, so that the encoder begins with what its words have learned (as in Fixup, Zhang et al.
    // 2019, https://arxiv.org/abs/1901.09321, and ReZero, Bachlechner et al. 2020, https://arxiv.org/abs/2003.04887).
    private static void StartAsIdentity(IEnumerable<(string Name, TorchSharp.Modules.Parameter Parameter)> named)
    {
        using var noGradients = no_grad();
        foreach (var (name, parameter) in named)
        {
            if (name.EndsWith("output.dense.weight", StringComparison.Ordinal))
                parameter.zero_();
        }
    }

    private static void Evaluate<T>(string name, IEnumerable<T> batches, Func<T, (Tensor Loss, Tensor Right)> run)
    {
        using var noGradients = no_grad();
        var (losses, right) = (new List<double>(), new List<double>());
        foreach (var batch in batches)
        {
            using var scope = NewDisposeScope();
            var result = run(batch);
            losses.Add(result.Loss.item<float>());
            right.Add(result.Right.item<float>());
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}, held out: loss {losses.Average():0.000} accuracy {right.Average():0.000}; "
                + $"{Environment.CpuUsage.TotalTime.TotalSeconds:0} seconds of processor time so far"));
    }

    // The form of BERT-Tiny (Turc et al. 2019, https://arxiv.org/abs/1908.08962) with fewer pieces and positions.
    private static void WriteForm(string folder, string[] vocabulary)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "vocab.txt"), TokenList.ToBytes(vocabulary));
        File.WriteAllText(
            Path.Combine(folder, "tokenizer_config.json"), """{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}""" + "\n");
        File.WriteAllText(Path.Combine(folder, "config.json"), $$"""
            {
              "model_type": "bert", "vocab_size": {{vocabulary.Length}}, "hidden_size": 128, "num_hidden_layers": 2,
              "num_attention_heads": 2, "intermediate_size": 512, "max_position_embeddings": {{RowLength}}, "type_vocab_size": 1,
              "hidden_act": "gelu", "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1
            }

            """);
    }

    private static void Save(string folder, TextEncoder encoder)
    {
        var path = Path.Combine(folder, "model.safetensors");
        using var scope = NewDisposeScope();
        SafeTensorsWriter.WriteFile(
            path, [.. encoder.NamedParameters().Select(one => (one.Name, one.Parameter.detach().to_type(ScalarType.Float16)))],
            new Dictionary<string, string> { ["format"] = "pt" });
        Console.WriteLine($"wrote {path}, {new FileInfo(path).Length:N0} bytes");
    }

    // dotnet/shared/Microsoft.NETCore.App/10.0.0 -> dotnet/packs
    private static string ReferencePacks() =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", "..", "packs"));
}
