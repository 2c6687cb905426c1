using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>The library's training loop, with all work of a step, over one preloaded batch instead of pictures.</summary>
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

    public ReadyLoop(ImageNetwork classifier, int trainedStages, Tensor pixels, int[] labels, bool activationCheckpointing = false)
    {
        var stages = classifier.Backbone.Stages.Count;
        var plan = PlanRules.Trains(stages, trainedStages, layerDecay: 1, epochs: 1).Resolve(classifier);
        var options = new ImageFineTuningOptions
        {
            Backbone = classifier.Definition,
            LearningRate = 1e-4f,
            Schedule = LearningRateSchedule.Constant(),
            Progress = new Silent(),
            ActivationCheckpointing = activationCheckpointing,
        };
        _rows = labels.Length;
        var rows = new LabeledData(new Ready(_rows), Array.ConvertAll(labels, label => (float)label),
            [.. Enumerable.Range(0, _rows).Select(i => (long)i)], groups: null, withoutLabel: 0);
        _data = new TrainingData(rows, [.. Enumerable.Range(0, _rows)], new RowSubset(rows, []));
        var host = ((IHostEnvironment)new MLContext()).Register("benchmark");
        _channel = host.Start("benchmark");
        var run = new TrainingRun(
            classifier, options.CreateInput(), new MulticlassObjective(classifier.Head.Outputs), plan, _data, options, Seed: 1,
            host, _channel);
        _phase = new TrainingPhase(plan.Phases.Single(), run) { Steps = 1_000_000 };
        var meter = new ProgressMeter(options.Progress, options.Epochs);
        var badRows = new BadRowLog(options.BadRows, _channel);
        _loop = new TrainingLoop(run, _phase, _state, _stop, new RunObservers(run, _state, badRows, meter, new TrainingLog(run)));
        _inputs = new ReadyInputs(classifier, _phase.FrozenStages, pixels);
    }

    /// <returns>The mean loss.</returns>
    public double Steps(int count)
    {
        int[][] batches = [.. Enumerable.Repeat(Enumerable.Range(0, _rows).ToArray(), count)];
        _state.BeginEpoch();
        _loop.TrainEpoch(epoch: 1, new EpochOrder(batches, [.. Enumerable.Range(0, count)]), _inputs);
        return _state.MeanLoss;
    }

    public void Dispose()
    {
        _phase.Dispose();
        _stop.Dispose();
        _data.Dispose();
        _channel.Dispose();
    }

    // Preloaded pixels through the frozen stages, if any, as in RowInputs with decoded ones.
    private sealed class ReadyInputs(ImageNetwork classifier, int frozenStages, Tensor pixels) : StepInputs
    {
        public override IEnumerable<StepInput> Read(IReadOnlyList<int[]> batches, int epoch, int first = 0)
        {
            foreach (var (batch, rows) in batches.Index().Skip(first))
            {
                Tensor activations;
                using (no_grad())
                    activations = classifier.Backbone.Forward(pixels, 0, frozenStages);
                yield return new StepInput(activations, rows) { Batch = batch };
            }
        }
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
