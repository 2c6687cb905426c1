using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>A running phase of the plan: trained parameters, optimizer, and the frozen stages below.</summary>
internal sealed class TrainingPhase : IDisposable
{
    private readonly TrainingRun _run;
    private readonly StagePass? _stages;
    private readonly GradientBuckets? _buckets;
    private readonly WeightSnapshot? _statistics; // running statistics before a batch, if a checkpoint may need them
    private readonly GradientClipping _clipping;
    private readonly Parameter[] _body;
    private readonly Parameter[] _head;
    private readonly bool _accumulates;
    private readonly Dictionary<bool, string?> _unusableNorms = []; // by whether pictures are smaller
    private bool _isInBatch;
    private int _pendingBatches;
    private double _pendingCount;

    /// <param name="planned">The planned phase.</param>
    /// <param name="run">The run. This constructor freezes its network.</param>
    public TrainingPhase(PlannedPhase planned, TrainingRun run)
    {
        (Planned, _run) = (planned, run);
        var (network, options) = (run.Network, run.Options);
        Groups = ParameterGroups.Apply(planned, network);
        var trained = network.Parameters().ToLookup(parameter => parameter.Stage == network.Stages.Count, parameter => parameter.Parameter);
        (_clipping, _body, _head) = (options.GradientClipping, [.. trained[false]], [.. trained[true]]);
        _accumulates = options.Accumulates || Group.IsSeveral;
        network.Processes = options.Processes;
        network.Freeze(FrozenStages);
        Encoder = FrozenEncoder.Of(run, FrozenStages); // first: its engine may fail
        try
        {
            Optimizer = options.Optimizer.CreateState(Groups);
            // An average of pair epochs would never be evaluated.
            Average = options.WeightAveraging is WeightAveraging.ExponentialAveraging average && !planned.TrainsPairs
                ? new MovingAverage(planned.ChangingTensors(network), average.Decay)
                : null;
            _stages = options.ActivationCheckpointing
                ? new CheckpointedStages(network, Encoder.Stages, FrozenStages, run.Seed, ForwardFrom)
                : Group.IsSeveral && network.RunsInStages
                ? new StagedBackward(network, Encoder.Stages, FrozenStages, run.Seed, ForwardFrom)
                : null;
            _buckets = Group.IsSeveral
                ? new GradientBuckets(Group, network.Parameters().Where(parameter => planned.ScaleOf(parameter.Name) > 0))
                : null;
            _statistics = Group.IsSeveral && Group.IsFirst && options.Checkpoint != TrainingCheckpoint.None
                ? new WeightSnapshot(planned.ChangingTensors(network).Where(named => named.Tensor is not Parameter))
                : null;
        }
        catch
        {
            Free();
            throw;
        }
    }

    public PlannedPhase Planned { get; }

    public int FirstEpoch => Planned.FirstEpoch;

    public int LastEpoch => Planned.LastEpoch;

    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>The largest factor of the learning rate, usually that of the head.</summary>
    public float LargestScale => Groups.Max(group => group.LearningRateScale);

    /// <summary>Number of the lowest stages that are not trained.</summary>
    public int FrozenStages => Planned.FrozenStages;

    public OptimizerState Optimizer { get; }

    /// <summary>The moving average of the weights; null if not requested.</summary>
    public MovingAverage? Average { get; }

    public FrozenEncoder Encoder { get; }

    /// <summary>Completed steps.</summary>
    public int Step => Optimizer.StepsTaken;

    /// <summary>Steps of the whole phase.</summary>
    public int Steps { get; set; }

    /// <summary>The learning rate of a step, before the factors of its parameters.</summary>
    /// <param name="step">Index of the step, from 0.</param>
    /// <param name="epochs">The completed epochs; a plateau uses their validation losses.</param>
    public double LearningRateAt(int step, IReadOnlyList<TrainingReport.EpochReport> epochs)
    {
        var losses = epochs.Skip(FirstEpoch - 1).Select(epoch => epoch.ValidationLoss).OfType<double>();
        var factor = _run.Options.Schedule.FactorAt(Math.Min(step, Steps), Steps, [.. losses]);
        return ExactDouble.Of(_run.Options.LearningRate) * factor;
    }

    /// <summary>Whether gradients are being accumulated over batches.</summary>
    public bool HasPending => _pendingBatches > 0;

    private ProcessGroup Group => _run.Options.Processes;

    /// <summary>
    /// The forward pass of the trained stages in training mode: outputs [N, outputs], or features [N, ...] in a phase of pairs.
    /// </summary>
    /// <param name="inputs">The inputs, owned by the caller.</param>
    /// <param name="batch">Number of previous batches, for the random numbers.</param>
    public Tensor Forward(ModelInputs inputs, int batch)
    {
        _statistics?.Take();
        _isInBatch = true;
        return _stages is null ? ForwardFrom(inputs, Encoder.Stages, batch) : _stages.Forward(inputs, batch);
    }

    /// <summary>Whether a batch of one row can be trained; determined by a trial of the first one.</summary>
    /// <param name="inputs">Inputs of one row, owned by the caller; null if this process has none and is not needed.</param>
    /// <param name="batch">As in <see cref="Forward"/>.</param>
    /// <param name="epoch">
    /// The epoch, from 1: the maps of smaller pictures may have one value where those of whole ones have several.
    /// </param>
    /// <returns>Name of the BatchNorm that prevents it; null if it can be trained.</returns>
    public string? NormWithoutVariance(ModelInputs? inputs, int batch, int epoch)
    {
        var isSmaller = epoch <= _run.Options.Resizing?.LastEpoch(_run.Options.Epochs);
        if (!_unusableNorms.TryGetValue(isSmaller, out var norm))
            _unusableNorms[isSmaller] = norm = Group.FirstText(inputs is null ? null : FindUnusableNorm(inputs, batch));
        return norm;
    }

    /// <summary>
    /// Computes the gradients of a batch. With gradient accumulation, and with several processes, they are added such that each row has the
    /// same weight, independently of the sizes of the batches. With several processes the sums over them are started where the batch ends
    /// its step.
    /// </summary>
    /// <param name="loss">Mean loss of the batch, or of this process's slice of it; null if nothing is computed there.</param>
    /// <param name="countOf">Total weight of the rows in the mean.</param>
    /// <param name="endsStep">Whether a step of the optimizer follows.</param>
    /// <returns>The total weight, where it was needed; otherwise 0.</returns>
    /// <exception cref="InvalidOperationException">The loss does not depend on any trained parameter.</exception>
    public double Backward(Tensor? loss, Func<double> countOf, bool endsStep)
    {
        if (loss is { requires_grad: false })
        {
            throw new InvalidOperationException(
                $"Nothing that trains in {_run.Network.Name} reaches its output: "
                + "it detaches its result, or computes without its parameters.");
        }
        if (!HasPending)
            Optimizer.ZeroGradients();
        _pendingBatches++;
        var count = loss is null ? 0 : Backward(loss, countOf, endsStep ? _buckets : null);
        if (endsStep)
            _buckets?.Complete(stage: 0); // in every process before the next sum
        return count;
    }

    /// <summary>Adds the total weight of the rows of a batch, in all processes together, to that of the step.</summary>
    public void AddCount(double count) => _pendingCount += count;

    /// <summary>Clips the gradients and runs a step of the optimizer.</summary>
    /// <param name="learningRate">Learning rate of the head.</param>
    public void OptimizerStep(double learningRate)
    {
        var divisor = _accumulates && _pendingCount > 0 ? _pendingCount : 1;
        if (_buckets is not null)
            _buckets.Wait(divisor);
        else if (divisor != 1)
            DivideGradients(divisor);
        (_pendingBatches, _pendingCount) = (0, 0);
        _clipping.Clip(_body, _head);
        Optimizer.Step(learningRate);
        Average?.Update();
        _isInBatch = false;
    }

    /// <summary>
    /// Moves the accumulated gradients of all processes to process 0, whose checkpoint then has them: the others go on with none. To be
    /// called in all processes.
    /// </summary>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    public void CollectPending()
    {
        if (_buckets is null || !HasPending)
            return;
        _buckets.Wait(divisor: 1);
        if (!Group.IsFirst)
            Optimizer.ZeroGradients();
    }

    /// <summary>Goes back to the last step, after which at most one batch was begun: drops its gradients and running statistics.</summary>
    public void DropPending()
    {
        if (_isInBatch)
            _statistics?.Restore();
        _isInBatch = false;
        _buckets?.Abandon();
        Optimizer.ZeroGradients();
        (_pendingBatches, _pendingCount) = (0, 0);
    }

    public PhaseState State => new(FirstEpoch, Step, Average?.Updates ?? 0, _pendingBatches, _pendingCount);

    /// <summary>
    /// State tensors of the phase apart from the weights. Gradients belong to the current dispose scope, the others to the phase.
    /// </summary>
    public IEnumerable<(string Name, Tensor Tensor)> Tensors(FineTunedNetwork network) =>
    [
        .. Optimizer.Tensors.Select((tensor, index) => (FormattableString.Invariant($"optimizer/{index}"), tensor)),
        .. Average?.Tensors.Select(named => ($"average/{named.Name}", named.Tensor)) ?? [],
        .. HasPending ? network.NamedParameters().Where(named => named.Parameter.grad is not null)
            .Select(named => ($"gradient/{named.Name}", named.Parameter.grad!)) : [],
    ];

    /// <summary>Allocates <see cref="Tensors"/>. With several processes, <see cref="TakePending"/> follows when they are filled.</summary>
    public void Restore(PhaseState state, FineTunedNetwork network, Func<string, bool> has)
    {
        Optimizer.StepsTaken = state.OptimizerSteps;
        Average?.Updates = state.AverageUpdates;
        (_pendingBatches, _pendingCount) = (state.PendingBatches, state.PendingCount);
        foreach (var (name, parameter) in network.NamedParameters())
            parameter.grad = has($"gradient/{name}") ? zeros_like(parameter) : null;
    }

    /// <summary>Leaves the accumulated gradients of a checkpoint to process 0, so that their sum counts them once.</summary>
    public void TakePending()
    {
        if (!Group.IsFirst)
            Optimizer.ZeroGradients();
    }

    public void Dispose()
    {
        Optimizer.ZeroGradients(); // frees their memory: neither scoring nor stages frozen next need them
        Free();
    }

    // Also of a phase whose constructor fails.
    private void Free()
    {
        Optimizer?.Dispose();
        Average?.Dispose();
        _buckets?.Dispose();
        _statistics?.Dispose();
        Encoder.Dispose();
    }

    private string? FindUnusableNorm(ModelInputs inputs, int batch) => SingleRow.FindUnusableNorm(
        _run.Network,
        () => _run.Network.ForwardInTraining(inputs.With(inputs.Activations.clone()), Encoder.Stages, _run.Seed, batch));

    private double Backward(Tensor loss, Func<double> countOf, GradientBuckets? buckets)
    {
        var count = 0.0;
        if (_accumulates)
        {
            count = countOf();
            loss = loss.Mul(count);
        }
        loss.backward();
        _run.Network.CheckBackward();
        _stages?.Backward(buckets is null ? null : buckets.Complete);
        return count;
    }

    private Tensor ForwardFrom(ModelInputs inputs, int first, int batch) => Planned.TrainsPairs
        ? _run.Network.FeaturesInTraining(inputs, first, _run.Seed, batch)
        : _run.Network.ForwardInTraining(inputs, first, _run.Seed, batch);

    private void DivideGradients(double count)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        foreach (var parameter in Groups.SelectMany(group => group.Parameters))
            parameter.grad?.Div_(count);
    }
}
