using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Processes;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>The library's training loop, with all work of a step, over rows in memory instead of a data view.</summary>
internal sealed class ReadyLoop : IDisposable
{
    private readonly TrainingPhase _phase;
    private readonly TrainingLoop _loop;
    private readonly RunState _state = new();
    private readonly StopRequest _stop = new(CancellationToken.None, budget: null, TimeProvider.System);
    private readonly TrainingData _data;
    private readonly IChannel _channel;
    private readonly StepInputs _inputs;
    private readonly int _rows;

    private ReadyLoop(
        FineTunedNetwork network, int trainedStages, int classes, FineTuningOptions options, ModelInput input, LabeledData rows,
        Func<TrainingRun, TrainingPhase, StepInputs> createInputs)
    {
        var plan = PlanRules.Trains(network.Stages.Count, trainedStages, layerDecay: 1, epochs: 1).Resolve(network, options.BatchNorm);
        _rows = rows.Count;
        _data = new TrainingData(rows, [.. Enumerable.Range(0, _rows)], new RowSubset(rows, []));
        var host = ((IHostEnvironment)new MLContext()).Register("benchmark");
        _channel = host.Start("benchmark");
        var run = new TrainingRun(network, input, new MulticlassObjective(classes), plan, _data, options, Seed: 1, host, _channel);
        _phase = new TrainingPhase(plan.Phases.Single(), run) { Steps = 1_000_000 };
        var meter = new ProgressMeter(options.Progress, options.Epochs);
        var badRows = new BadRowLog(options.BadRows, _channel);
        _loop = new TrainingLoop(run, _phase, _state, _stop, new RunObservers(run, _state, badRows, meter, new TrainingLog(run)));
        _inputs = createInputs(run, _phase);
    }

    /// <summary>One preloaded batch of pixels, [N, 3, S, S].</summary>
    public static ReadyLoop OfPixels(
        ImageNetwork network, int trainedStages, Tensor pixels, int[] labels, bool activationCheckpointing = false,
        ProcessGroup? processes = null, BatchNormMode batchNorm = BatchNormMode.ByStrategy)
    {
        var options = new ImageFineTuningOptions
        {
            BatchNorm = batchNorm,
            Backbone = network.Definition,
            LearningRate = 1e-4f,
            Schedule = LearningRateSchedule.Constant(),
            Progress = new Silent(),
            ActivationCheckpointing = activationCheckpointing,
            Processes = processes ?? ProcessGroup.Single,
        };
        var rows = Labeled(new Ready(labels.Length), labels);
        return new ReadyLoop(network, trainedStages, network.Head.Outputs, options, options.CreateInput(), rows,
            (_, phase) => new ReadyInputs(network, phase.FrozenStages, pixels, options.Processes));
    }

    /// <summary>All of a text network, on texts that are encoded already.</summary>
    public static ReadyLoop OfTexts(
        TextNetwork network, TextInput input, TextDataset texts, int[] labels, ProcessGroup? processes = null)
    {
        var options = new TextFineTuningOptions
        {
            Backbone = network.Text,
            LearningRate = 5e-5f,
            Schedule = LearningRateSchedule.Constant(),
            Progress = new Silent(),
            Processes = processes ?? ProcessGroup.Single,
        };
        return new ReadyLoop(network, network.Stages.Count, network.Head.Outputs, options, input, Labeled(texts, labels), (run, phase) =>
            new RowInputs(phase.Encoder, run.Data.Training, new RowViews(run.Data.Training.Source, Augmentation.None, run.Seed),
                options.Epochs, new BadRowLog(options.BadRows, run.Channel), CancellationToken.None, processes: options.Processes));
    }

    /// <summary>Steps with all rows.</summary>
    /// <returns>The mean loss.</returns>
    public double Steps(int count) =>
        Train(new EpochOrder([.. Enumerable.Repeat(Enumerable.Range(0, _rows).ToArray(), count)], [.. Enumerable.Range(0, count)]));

    /// <returns>The mean loss.</returns>
    public double Train(EpochOrder order)
    {
        _state.BeginEpoch();
        _loop.TrainEpoch(epoch: 1, order, _inputs);
        return _state.MeanLoss;
    }

    public void Dispose()
    {
        _phase.Dispose();
        _stop.Dispose();
        _data.Dispose();
        _channel.Dispose();
    }

    private static LabeledData Labeled(Dataset rows, int[] labels) => new(
        rows, Array.ConvertAll(labels, label => (float)label), [.. Enumerable.Range(0, labels.Length).Select(i => (long)i)], groups: null,
        withoutLabel: 0);

    // Preloaded pixels through the frozen stages, if any, as in RowInputs with decoded ones.
    private sealed class ReadyInputs(ImageNetwork classifier, int frozenStages, Tensor pixels, ProcessGroup processes) : StepInputs
    {
        public override IEnumerable<StepInput> Read(
            IReadOnlyList<int[]> batches, int epoch, int first = 0, IReadOnlyList<RowPair[]>? pairs = null)
        {
            foreach (var (batch, rows) in batches.Index().Skip(first))
            {
                var (start, length) = Slice.Of(rows.Length, processes).GetOffsetAndLength(rows.Length);
                Tensor activations;
                using (no_grad())
                {
                    using var own = pixels.narrow(0, start, length);
                    activations = classifier.Backbone.Forward(own, 0, frozenStages);
                }
                yield return new StepInput(activations, rows[start..(start + length)]) { Batch = batch, BatchRows = rows };
            }
        }

        public override ModelInputs Placeholder() => throw new NotSupportedException("Every process has rows.");
    }

    private sealed class Ready(int count) : Dataset
    {
        public override int Count => count;

        public override int Length => 0;

        public override string Noun => "picture";

        public override string Encode(
            int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default) =>
            throw new NotSupportedException("The batch is ready.");

        public override void Dispose()
        {
        }
    }

    private sealed class Silent : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
        }
    }
}
