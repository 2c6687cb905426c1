using System.Globalization;
using MlNetFineTune;
using MlNetFineTune.Networks;
using MlNetFineTune.Tokenizers;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Pretrain;

/// <summary>
/// The parts of the pretraining of a text encoder: contrastive learning of the embeddings alone, which is cheap; masked language modelling
/// of the whole encoder; contrastive learning of the whole encoder.
/// </summary>
internal sealed class TextPretraining : IDisposable
{
    /// <summary>Tokens in a row of masked language modelling, and positions of the encoder.</summary>
    public const int RowLength = 128;

    private const int RowsOfBatch = 16, ViewLength = 48, PairsOfBatch = 192;

    private readonly TextCorpus _corpus;
    private readonly Tokenizer _tokenizer;
    private readonly TextEncoder _encoder;
    private readonly long _seed;

    /// <param name="corpus">The texts.</param>
    /// <param name="start">The encoder to continue, or with random weights.</param>
    /// <param name="seed">Decides weights, order, views and masks.</param>
    public TextPretraining(TextCorpus corpus, TextBackbone start, long seed)
    {
        (_corpus, _tokenizer, _seed) = (corpus, start.Tokenizer!, seed);
        _encoder = start.CreateEncoder(seed);
        if (start.IsFromScratch)
            StartAsIdentity();
    }

    public void LearnWords(PretrainingLoop loop) => LearnPairs("words", loop, stages: 1);

    public void LearnPairs(PretrainingLoop loop) => LearnPairs("pairs", loop, _encoder.Stages.Count);

    public void LearnMasked(PretrainingLoop loop)
    {
        var named = _encoder.NamedParameters();
        using var head = new LanguageHead(named.Single(one => one.Name == "embeddings.word_embeddings.weight").Parameter, _seed);
        var modelling = new MaskedModelling(_encoder, head, RowLength);
        loop.Run([.. named.Select(one => one.Parameter), .. head.Weights()], Batches(_corpus.Training).Endless(), modelling.Run);
        Evaluate("masked", Batches(_corpus.HeldOut).Epoch(0), modelling.Run);

        MaskedBatches Batches(IEnumerable<CorpusEntry> entries) =>
            new(TokenizedCorpus.Passages(_tokenizer, entries), _tokenizer, RowLength, RowsOfBatch, _seed);
    }

    /// <summary>Writes <c>model.safetensors</c>, in half precision.</summary>
    public void Save(string folder)
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder, "model.safetensors");
        SafeTensorsWriter.WriteFile(
            path, [.. _encoder.NamedParameters().Select(one => (one.Name, one.Parameter.detach().to_type(ScalarType.Float16)))],
            new Dictionary<string, string> { ["format"] = "pt" });
        Console.WriteLine($"wrote {path}, {new FileInfo(path).Length:N0} bytes");
    }

    public void Dispose() => _encoder.Dispose();

    private void LearnPairs(string name, PretrainingLoop loop, int stages)
    {
        var learning = new PairLearning(_encoder, _tokenizer.Specials.Padding, stages);
        Parameter[] trained =
            [.. _encoder.NamedParameters().Where(one => _encoder.StageOf(one.Name) < stages).Select(one => one.Parameter)];
        loop.Run(trained, Batches(_corpus.Training).Endless(), learning.Run);
        Evaluate(name, Batches(_corpus.HeldOut).Epoch(0), learning.Run);

        PairBatches Batches(IEnumerable<CorpusEntry> entries) =>
            new(TokenizedCorpus.Views(_tokenizer, entries, ViewLength), PairsOfBatch, _seed);
    }

    // Layers whose branches add nothing at first, so that the encoder begins with what its words have learned (as in Fixup, Zhang et al.
    // 2019, https://arxiv.org/abs/1901.09321, and ReZero, Bachlechner et al. 2020, https://arxiv.org/abs/2003.04887).
    private void StartAsIdentity()
    {
        using var noGradients = no_grad();
        foreach (var (name, parameter) in _encoder.NamedParameters())
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
}
