using System.CommandLine;
using MlNetFineTune;
using MlNetFineTune.Tokenizers;
using static TorchSharp.torch;

namespace Pretrain;

/// <summary>
/// <c>train-text</c>: learns a vocabulary, trains a text encoder in three parts (<see cref="TextPretraining"/>), writes a folder as on the
/// hub.
/// </summary>
internal static class TrainTextCommand
{
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
            Description = "Folder of an earlier run to continue, with its vocabulary and weights. Default: random weights.",
        };
        var pieces = new Option<int>("--pieces") { Description = "Size of the vocabulary.", DefaultValueFactory = _ => 8000 };
        var wordSteps = new Option<int>("--word-steps")
        {
            Description = "Steps of contrastive learning of the embeddings alone; 0 for none.",
            DefaultValueFactory = _ => 6000,
        };
        var wordRate = new Option<double>("--word-rate")
        {
            Description = "Learning rate of the embeddings alone.",
            DefaultValueFactory = _ => 3e-3,
        };
        var maskedSteps = new Option<int>("--masked-steps")
        {
            Description = "Steps of masked language modelling; 0 for none.",
            DefaultValueFactory = _ => 600,
        };
        var pairSteps = new Option<int>("--pair-steps")
        {
            Description = "Steps of contrastive learning; 0 for none.",
            DefaultValueFactory = _ => 300,
        };
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
            Console.WriteLine(
                $"{corpus.Training.Count:N0} entries of {corpus.Characters:N0} characters; {corpus.HeldOut.Count:N0} held out");
            var folder = parsed.GetRequiredValue(output).FullName;
            if (parsed.GetValue(from) is { } earlier)
            {
                Directory.CreateDirectory(folder);
                foreach (var file in s_form)
                    File.Copy(Path.Combine(earlier.FullName, file), Path.Combine(folder, file), overwrite: true);
            }
            else
                WriteForm(folder, WordPieceLearner.Learn(corpus.Training.Select(entry => entry.Passage), parsed.GetValue(pieces)));
            var start = parsed.GetValue(from) is { } trained ? TextBackbone.FromFolder(trained.FullName) : TextBackbone.FromScratch(folder);
            using var pretraining = new TextPretraining(corpus, start, parsed.GetValue(seed));
            if (parsed.GetValue(wordSteps) is > 0 and var ofWords)
                pretraining.LearnWords(new PretrainingLoop("words", ofWords, parsed.GetValue(wordRate)));
            if (parsed.GetValue(maskedSteps) is > 0 and var ofMasks)
                pretraining.LearnMasked(new PretrainingLoop("masked", ofMasks, parsed.GetValue(maskedRate)));
            if (parsed.GetValue(pairSteps) is > 0 and var ofPairs)
                pretraining.LearnPairs(new PretrainingLoop("pairs", ofPairs, parsed.GetValue(pairRate)));
            pretraining.Save(folder);
        });
        return command;
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
              "num_attention_heads": 2, "intermediate_size": 512,
              "max_position_embeddings": {{TextPretraining.RowLength}}, "type_vocab_size": 1,
              "hidden_act": "gelu", "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1
            }

            """);
    }

    // dotnet/shared/Microsoft.NETCore.App/10.0.0 -> dotnet/packs
    private static string ReferencePacks() =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", "..", "packs"));
}
