using System.Globalization;
using System.Runtime.InteropServices;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>Rates count the tokens of the texts, without padding, so that padding costs those who pad.</summary>
internal sealed class TextStep : Benchmark
{
    private const string Library = "MlNetFineTune's training loop";
    private const string SameBatches = "plain loop with the library's network, the same batches";
    private const string Random = "the same, random batches padded to their longest";
    private const string Fixed = "the same, random batches padded to 128 tokens";
    private const string Peer = "PyTorch, random batches padded to their longest";

    public override string Name => "text-step";

    public override string Question =>
        "Training steps of all of all-MiniLM-L6-v2 on sentences of SST-2, batch 32, AdamW, in tokens a second: ours against PyTorch's "
        + "usual loop.";

    public override double Run(bool quick)
    {
        using var scope = NewDisposeScope();
        var texts = new ReadyTexts("train.tsv", every: quick ? 29 : 3);
        var steps = quick ? 2 : 8;
        using var network = ReadyTexts.Network();
        using var ours = ReadyLoop.OfTexts(network, texts.Input, texts.Dataset, texts.Labels);
        using var plain = new PlainLoop(texts);
        var buckets = new LengthBuckets(texts.Dataset, ReadyTexts.Batch, maxTokens: null);
        var epoch = 0;
        EpochOrder order = null!;

        // Each round has other batches, those of the two first candidates the same ones. Batches of an epoch are shuffled, so that the
        // first ones are a random part.
        EpochOrder Next()
        {
            epoch++;
            var all = buckets.Steps(Shuffled(), batchesOfStep: 1, seed: 1, epoch);
            return order = new EpochOrder(all.Batches[..steps], all.StepOf[..steps]);
        }

        int[] Shuffled()
        {
            int[] rows = [.. Enumerable.Range(0, texts.Texts.Length)];
            new CountedRandom(1, RandomStream.Shuffle, epoch, ordinal: 0).Shuffle<int>(rows);
            return rows;
        }

        int Plain(int[][] batches, int? length)
        {
            foreach (var batch in batches)
                plain.Step(batch, length);
            return texts.TokensOf(batches.SelectMany(batch => batch));
        }

        var timing = new PairedTiming()
            .Add(Library, () =>
            {
                ours.Train(Next());
                return texts.TokensOf(order.Batches.SelectMany(batch => batch));
            })
            .Add(SameBatches, () => Plain(order.Batches, length: null))
            .Add(Random, () => Plain(BatchLoader.Split(Shuffled(), ReadyTexts.Batch)[..steps], length: null));
        if (!quick)
            timing.Add(Fixed, () => Plain(BatchLoader.Split(Shuffled(), ReadyTexts.Batch)[..(steps / 4)], ReadyTexts.MaximumLength));
        using var peer = quick ? null : new PyTorchPeer("text_speed.py", ["train", "--steps", $"{steps}"], texts.Work);
        if (peer is not null)
            timing.AddRate(Peer, () => peer.Pass().GetProperty("tokens_per_s").GetDouble());

        timing.Run(rounds: quick ? 2 : 5, quick).Print(Library, "tokens/s");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Padding of the last round's batches: {buckets.Padding(order.Batches):0.0 %}, of random ones "
            + $"{buckets.Padding(BatchLoader.Split(Shuffled(), ReadyTexts.Batch)):0.0 %}."));
        return timing.Ratio(Library, quick ? SameBatches : Peer);
    }

    /// <summary>The loop that one writes with the library's network and optimizer at hand, without its engine.</summary>
    private sealed class PlainLoop : IDisposable
    {
        private readonly ReadyTexts _texts;
        private readonly TextNetwork _network = ReadyTexts.Network();
        private readonly TrainingPlan _plan;
        private readonly OptimizerState _optimizer;
        private readonly Collator _collator;
        private int _step;

        public PlainLoop(ReadyTexts texts)
        {
            _texts = texts;
            _plan = PlanRules.Trains(_network.Stages.Count, _network.Stages.Count, layerDecay: 1, epochs: 1).Resolve(_network);
            _optimizer = Optimizer.AdamW().CreateState(ParameterGroups.Apply(_plan.Phases[0], _network));
            _collator = texts.Input.CreateCollator(CPU);
            _network.BeginTraining(0);
        }

        public void Step(int[] rows, int? length)
        {
            using var step = NewDisposeScope();
            var stride = _texts.Input.Length;
            var samples = new byte[stride * rows.Length];
            foreach (var (place, row) in rows.Index())
                _texts.Rows[row].CopyTo(samples.AsSpan(place * stride));
            using var inputs = _collator.Collate(samples, rows.Length);
            var targets = tensor(Array.ConvertAll(rows, row => (long)_texts.Labels[row]), ScalarType.Int64);
            _optimizer.ZeroGradients();
            using var padded = length is { } most ? Padded(inputs, most) : null;
            var loss = nn.functional.cross_entropy(_network.ForwardInTraining(padded ?? inputs, 0, seed: 1, _step++), targets);
            loss.backward();
            nn.utils.clip_grad_norm_(_network.NamedParameters().Select(named => named.Parameter), 1);
            _optimizer.Step(5e-5);
            _ = loss.item<float>();
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _collator.Dispose();
            _network.Dispose();
        }

        private static ModelInputs Padded(ModelInputs inputs, int length)
        {
            var (tokens, added) = (inputs.Activations, length - inputs.Activations.shape[1]);
            var mask = inputs.Beside.GetValueOrDefault(TextInputNames.Mask) ?? ones_like(tokens, ScalarType.Bool);
            return new ModelInputs(nn.functional.pad(tokens, (0, added)), new Dictionary<string, Tensor>
            {
                [TextInputNames.Mask] = nn.functional.pad(mask, (0, added)),
            });
        }
    }
}
