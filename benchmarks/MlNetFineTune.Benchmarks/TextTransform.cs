using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>The library tokenizes; the peers receive tokens.</summary>
internal sealed class TextTransform : Benchmark
{
    private const string Library = "MlNetFineTune's Transform, from text";
    private const string RowByRow = "plain TorchSharp, row by row";
    private const string OursByRow = "the library's network, row by row";
    private const string Peer = "PyTorch, batches of 32 padded to their longest";
    private const string SortedPeer = "the same, sorted by length";

    public override string Name => "text-transform";

    public override string Question =>
        "Scores of sentences of SST-2 through Transform, all-MiniLM-L6-v2: ours against PyTorch in batches, and a loop over single rows.";

    public override double Run(bool quick)
    {
        using var scope = NewDisposeScope();
        var texts = new ReadyTexts("test.tsv", every: quick ? 29 : 3);
        var ml = new MLContext(seed: 1);
        var view = ml.Data.LoadFromEnumerable(texts.Texts.Zip(texts.Labels, (text, label) => new Row { Text = text, Label = (uint)label }));
        using var model = Fit(Precision.Float32);
        using var onnx = model.WithOnnxRuntime();
        using var reduced = ReducedPrecision.ChoiceFor(CPU).Use ? Fit(Precision.BFloat16) : null;
        using var network = ReadyTexts.Network();
        network.PrepareForScoring();
        using var collator = texts.Input.CreateCollator(CPU);
        using var plain = new PlainMiniLm(network, ReadyTexts.Classes);
        using var peer = quick ? null : new PyTorchPeer("text_speed.py", ["score"], texts.Work);
        using var sorted = quick ? null : new PyTorchPeer("text_speed.py", ["score", "--sorted"], texts.Work);

        FineTuningTransformer Fit(Precision precision) => ml.MulticlassClassification.Trainers.FineTuneText(new TextFineTuningOptions
        {
            Backbone = ReadyTexts.Backbone,
            Strategy = Strategy.HeadOnly,
            Epochs = 1,
            Validation = ValidationData.None,
            Precision = precision,
        }).Fit(view);

        int Scores(FineTuningTransformer one) => one.Transform(view).GetColumn<float[]>("Score").Count();

        Networks.CheckSame("score of the first sentence", Single(network, texts, 0, collator)[0], Single(plain, texts, 0)[0]);
        if (peer is not null)
            Networks.CheckSame("magnitude of the features of eight sentences", Magnitude(network, texts, collator),
                peer.Pass().GetProperty("magnitude").GetDouble());
        var timing = new PairedTiming()
            .Add(Library, () => Scores(model))
            .Add($"{Library}, in {onnx.ScoringEngine}", () => Scores(onnx));
        if (reduced is not null)
            timing.Add($"{Library}, in bfloat16", () => Scores(reduced));
        timing.Add(RowByRow, () => Enumerable.Range(0, texts.Rows.Length).Count(row => Single(plain, texts, row).Length > 0))
            .Add(OursByRow, () => Enumerable.Range(0, texts.Rows.Length).Count(row => Single(network, texts, row, collator).Length > 0));
        if (peer is not null && sorted is not null)
        {
            timing.AddRate(Peer, () => peer.Pass().GetProperty("texts_per_s").GetDouble());
            timing.AddRate(SortedPeer, () => sorted.Pass().GetProperty("texts_per_s").GetDouble());
        }
        timing.Run(rounds: quick ? 2 : 5, quick).Print(Library, "texts/s");
        return timing.Ratio(Library, quick ? RowByRow : Peer);
    }

    private static float[] Single(PlainMiniLm network, ReadyTexts texts, int row)
    {
        using var noGradients = no_grad();
        using var step = NewDisposeScope();
        var tokens = tensor([.. TokenRows.TokensOf(texts.Rows[row]).ToArray().Select(token => (long)token)], ScalarType.Int64).unsqueeze(0);
        return [.. nn.functional.softmax(network.forward(tokens), 1).data<float>()];
    }

    private static float[] Single(TextNetwork network, ReadyTexts texts, int row, Collator collator)
    {
        using var noGradients = no_grad();
        using var step = NewDisposeScope();
        var sample = new byte[texts.Input.Length];
        texts.Rows[row].CopyTo(sample, 0);
        using var inputs = collator.Collate(sample, 1);
        return [.. nn.functional.softmax(network.ForwardRest(inputs, 0), 1).data<float>()];
    }

    // Of sentences of one length, together with shorter ones: the mask counts.
    private static double Magnitude(TextNetwork network, ReadyTexts texts, Collator collator)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var stride = texts.Input.Length;
        var samples = new byte[8 * stride];
        for (var row = 0; row < 8; row++)
            texts.Rows[row].CopyTo(samples, row * stride);
        using var inputs = collator.Collate(samples, 8);
        return network.ForwardFirst(inputs, network.Stages.Count).abs().mean().item<float>();
    }

    private sealed class Row
    {
        public string Text { get; set; } = "";

        [KeyType(ReadyTexts.Classes)]
        public uint Label { get; set; }
    }
}
