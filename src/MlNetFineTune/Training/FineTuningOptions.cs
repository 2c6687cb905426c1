using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>Options of fine-tuning that do not depend on the kind of network and its inputs.</summary>
public abstract record FineTuningOptions
{
    [NotInFingerprint("workers do not change the result")]
    private readonly int? _workers;

    private protected FineTuningOptions()
    {
    }

    /// <summary>
    /// The task and its options. Default null: the task of the catalog with its defaults
    /// (<c>ml.MulticlassClassification</c>: <see cref="LearningTask.Multiclass"/>). A task of another catalog is an error.
    /// <c>ml.FineTuning</c> takes any task, which must be set there.
    /// </summary>
    public LearningTask? Task { get; init; }

    /// <summary>
    /// The metric that selects the best epoch, and that <see cref="EarlyStoppingPatience"/> uses. Default null: <see cref="Metric.Loss"/>.
    /// A metric that the task does not have is an error. Requires validation.
    /// </summary>
    public Metric? Metric { get; init; }

    /// <summary>
    /// Name of the label column: a key for classes, a Boolean for binary classification, a Single for regression, a vector of Boolean or of
    /// keys for multi-label classification. <c>Conversion.MapValueToKey</c> converts text to a key. Not used by
    /// <see cref="LearningTask.Several"/>. Default "Label".
    /// </summary>
    [NotInFingerprint("the labels themselves are hashed")]
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>
    /// Name of a column of example weights (Single, at least 0): losses are weighted means, in each step and in validation. Other metrics
    /// are not weighted. Default null: all rows have weight 1.
    /// </summary>
    [NotInFingerprint("the weights themselves are hashed")]
    public string? ExampleWeightColumnName { get; init; }

    /// <summary>
    /// Name of the output column of scores; the content depends on the task (<see cref="LearningTask"/>). Default "Score".
    /// </summary>
    [NotInFingerprint("an output")]
    public string ScoreColumnName { get; init; } = "Score";

    /// <summary>Name of the output column of predicted labels, for tasks with classes or labels. Default "PredictedLabel".</summary>
    [NotInFingerprint("an output")]
    public string PredictedLabelColumnName { get; init; } = "PredictedLabel";

    /// <summary>Name of the output column with the probability of true, for binary classification. Default "Probability".</summary>
    [NotInFingerprint("an output")]
    public string ProbabilityColumnName { get; init; } = "Probability";

    /// <summary>
    /// Random changes to the training rows' pictures, drawn anew in every epoch; not applied in scoring and validation. Default:
    /// <see cref="Augmentation.Light"/> for images, <see cref="Augmentation.None"/> for modules. Where <c>ml.Transforms.AugmentImages</c>
    /// is in the chain before <c>FineTuneImages</c>, its augmentation is taken; another one here is an error.
    /// </summary>
    public Augmentation Augmentation
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Augmentation));
            field = value;
            AsksForAugmentation = true;
        }
    } = Augmentation.None;

    /// <summary>
    /// Low-rank adapters that are trained instead of the weights (LoRA), with any strategy that trains a layer below the head. Default
    /// <see cref="Adapter.None"/>.
    /// </summary>
    public Adapter Adapter
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Adapter));
            field = value;
        }
    } = Adapter.None;

    /// <summary>A teacher, whose outputs are additional training targets. Default <see cref="Distillation.None"/>.</summary>
    public Distillation Distillation
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Distillation));
            field = value;
        }
    } = Distillation.None;

    /// <summary>
    /// Where the outputs of frozen stages are cached. They are computed once for rows that are the same in every epoch: validation rows,
    /// and training rows without augmentation or with <see cref="Augmentation.FixedViews"/>. For modules only if their stages run one by
    /// one: a <c>Sequential</c>, or <see cref="IStagedModule.ComputationOf"/>. Changes the result only by rounding. Default: in memory, up
    /// to 1 GiB.
    /// </summary>
    [NotInFingerprint("keeps what would be computed again")]
    public FeatureCache FeatureCache
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(FeatureCache));
            field = value;
        }
    } = FeatureCache.InMemory();

    /// <summary>
    /// What computes the frozen stages, for the cache and in the steps. Changes the result only by rounding. Default
    /// <see cref="FrozenEngine.LibTorch"/>. Package <c>MlNetFineTune.Onnx</c> has <c>FrozenEngine.OnnxRuntime</c>, which is faster on most
    /// CPUs. Stages that are trained are always computed by libtorch.
    /// </summary>
    public FrozenEngine FrozenEngine
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(FrozenEngine));
            field = value;
        }
    } = FrozenEngine.LibTorch;

    /// <summary>
    /// Whether a step stores only the activations between stages, and recomputes those within a stage in the backward pass (Chen et al.
    /// 2016, https://arxiv.org/abs/1604.06174): less memory, about a third more time, the same weights. An error for networks that run as a
    /// whole: TorchScript programs, and modules that are neither a <c>Sequential</c> nor have <see cref="IStagedModule.ComputationOf"/>.
    /// Default false.
    /// </summary>
    [NotInFingerprint("the same weights in less memory")]
    public bool ActivationCheckpointing { get; init; }

    /// <summary>
    /// The number format of convolutions and matrix products, in the training and in the scoring of its model. Default
    /// <see cref="Precision.Float32"/>. A model trained in bfloat16 is scored in bfloat16 where the device is faster with it, and in
    /// 32-bit floats elsewhere: scores then differ by rounding, by some thousandths.
    /// </summary>
    public Precision Precision
    {
        get;
        init => field = Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Precision), value, "There is no such precision.");
    }

    /// <summary>
    /// Which parameters are trained, in which epochs and at which learning rate. Default: all, <see cref="Strategy.Full"/>; for modules
    /// with a layer decay of 1.
    /// </summary>
    [NotInFingerprint("the plan that it resolves to is hashed")]
    public Strategy Strategy { get; init; } = Strategy.Full();

    /// <summary>Whether the running statistics of BatchNorm in trained stages are updated.
    /// Default <see cref="BatchNormMode.ByStrategy"/>: as the strategy requires, in general updated.</summary>
    [NotInFingerprint("the plan says what BatchNorm does")]
    public BatchNormMode BatchNorm
    {
        get;
        init => field = Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(BatchNorm), value, "There is no such mode.");
    }

    /// <summary>Number of passes over the training rows, in all phases of the strategy together. At least 1. Default 10.</summary>
    public int Epochs { get; init => field = Positive(value, nameof(Epochs)); } = 10;

    /// <summary>
    /// Number of rows in a batch. At least 1. Default 16. Rows are distributed evenly over the batches, so that the last one is not small.
    /// A trained BatchNorm needs more than one value per channel: with a batch size of 1 this can be an error, which names the layer; a
    /// batch with only one readable row is then skipped.
    /// </summary>
    public int BatchSize { get; init => field = Positive(value, nameof(BatchSize)); } = 16;

    /// <summary>
    /// Number of batches whose gradients are accumulated for one step of the optimizer, with rows weighted as in one batch. A step has the
    /// same rows as with a <see cref="BatchSize"/> this many times as large, with the memory of a small batch; BatchNorm uses the small
    /// batches. At least 1. Default 1.
    /// </summary>
    public int AccumulationSteps { get; init => field = Positive(value, nameof(AccumulationSteps)); } = 1;

    /// <summary>
    /// How the rows of an epoch are sampled: each once, or class-balanced (for several heads by the classes of one:
    /// <see cref="Sampling.BalancedBy"/>). Default: <see cref="Sampling.Shuffled"/>.
    /// </summary>
    public Sampling Sampling
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Sampling));
            field = value;
        }
    } = Sampling.Shuffled;

    /// <summary>Learning rate of the head; strategies scale it for the stages below. Above 0. Default 0.001.</summary>
    public float LearningRate
    {
        get;
        init => field = value > 0 && float.IsFinite(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(LearningRate), value, "The learning rate must be above 0.");
    } = 1e-3f;

    /// <summary>The optimizer. Default <see cref="Optimizer.AdamW"/> with its defaults.</summary>
    public Optimizer Optimizer { get; init; } = Optimizer.AdamW();

    /// <summary>
    /// The schedule of the learning rate. Default: <see cref="LearningRateSchedule.Cosine"/> with a warm-up of 5 % of the steps.
    /// </summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Cosine();

    /// <summary>Limits the size of gradients. Default <see cref="GradientClipping.None"/>.</summary>
    public GradientClipping GradientClipping { get; init; } = GradientClipping.None;

    /// <summary>
    /// Whether the model has the weights of one epoch or an average. Default <see cref="WeightAveraging.None"/>: the weights of the best
    /// epoch.
    /// </summary>
    public WeightAveraging WeightAveraging { get; init; } = WeightAveraging.None;

    /// <summary>
    /// The validation rows, on which the best epoch is selected. Default: 20 % of the training rows, stratified by class.
    /// </summary>
    public ValidationData Validation { get; init; } = ValidationData.Fraction(0.2f);

    /// <summary>
    /// Conformal prediction: sets of classes with a guaranteed coverage, a novelty score, and a flag for rows that a person should check.
    /// Only for tasks with one class a row (<see cref="LearningTask.Multiclass"/>, <see cref="LearningTask.Ordinal"/>,
    /// <see cref="LearningTask.Binary"/>). Requires validation; a part of its rows is kept for it. An error together with
    /// <c>TestTimeAugmentation</c>, as it calibrates on one view of a row. Default null: none.
    /// </summary>
    [NotInFingerprint("the validation rows that it leaves are hashed, and it is fitted after the training")]
    public ConformalPrediction? Conformal { get; init; }

    /// <summary>
    /// Ends the training when <see cref="Metric"/> has not improved on the validation rows for this many epochs (in the last phase of a
    /// strategy with several). At least 1. Default null: all epochs run. Requires validation.
    /// </summary>
    public int? EarlyStoppingPatience { get; init => field = value is { } epochs ? Positive(epochs, nameof(EarlyStoppingPatience)) : null; }

    /// <summary>
    /// Ends the training after this time with the best model so far. The time of earlier processes with the same <see cref="Checkpoint"/>
    /// is included, reading the rows is not. Above zero. Default null: no limit.
    /// </summary>
    [NotInFingerprint("when to stop, not what to compute")]
    public TimeSpan? TimeBudget
    {
        get;
        init => field = value is null || value > TimeSpan.Zero ? value
            : throw new ArgumentOutOfRangeException(nameof(TimeBudget), value, "The time budget must be above zero.");
    }

    /// <summary>The reaction to a loss that is NaN or infinite, or rises and stays high. Default <see cref="Divergence.Throw"/>.</summary>
    [NotInFingerprint("when to give up, not what to compute")]
    public Divergence OnDivergence { get; init; } = Divergence.Throw();

    /// <summary>
    /// Whether and where checkpoints are written, from which a training is resumed after a kill, a cancellation or a stop. Default
    /// <see cref="TrainingCheckpoint.None"/>.
    /// </summary>
    [NotInFingerprint("where and how often to write")]
    public TrainingCheckpoint Checkpoint { get; init; } = TrainingCheckpoint.None;

    /// <summary>The treatment of rows whose inputs cannot be used. Default <see cref="BadRows.Throw"/>.</summary>
    public BadRows BadRows { get; init; } = BadRows.Throw;

    /// <summary>Seed of every random choice of the training. Default null: the seed of the context, or 0 if it has none.</summary>
    [NotInFingerprint("the seed in force is hashed")]
    public int? Seed { get; init; }

    /// <summary>
    /// Number of threads that read rows and decode and augment pictures. Default: the number of processors, divided by the number of
    /// <see cref="Processes"/> that share them, at most 16. Does not change the result. A module without pictures uses one thread (another
    /// number is a warning), because copying numbers is faster than passing them between threads. The memory for decoding large pictures is
    /// limited for the whole process, so that more threads do not always decode more of them concurrently.
    /// </summary>
    [NotInFingerprint("workers do not change the result")]
    public int Workers
    {
        get => _workers ?? Math.Clamp(Environment.ProcessorCount / Processes.CoreSharers, 1, 16);
        init => _workers = Positive(value, nameof(Workers));
    }

    /// <summary>
    /// The processes that train together. Default <see cref="ProcessGroup.Single"/>: this one alone. With several processes each computes
    /// its slice of every batch: <see cref="BatchSize"/> is that of all together, and the result is that of one process up to the order of
    /// sums. Package <c>MlNetFineTune.Distributed</c> has groups over MPI.
    /// </summary>
    [NotInFingerprint("the number of processes does not change the result")]
    public ProcessGroup Processes
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Processes));
            field = value;
        }
    } = ProcessGroup.Single;

    /// <summary>
    /// The reaction when the saved model is loaded and its probe row scores differently than in the training. Default
    /// <see cref="ProbeMismatch.Warn"/>: small differences between CPUs are possible.
    /// </summary>
    [NotInFingerprint("of loading the model")]
    public ProbeMismatch OnProbeMismatch { get; init; } = ProbeMismatch.Warn;

    /// <summary>
    /// Path of a folder for the records of the training, created if it does not exist: <c>history.csv</c> and <c>history.json</c>, written
    /// after every epoch; events for TensorBoard (<c>tensorboard --logdir</c>), after every step; and at the end <c>report.html</c>, a page
    /// with curves, confusion matrix, worst errors and everything needed to reproduce the training. Use one folder per training: a later
    /// one replaces history and report. Column names in these files contain only letters, digits and underscores of the labels; labels of
    /// several heads that would have the same name are an error. Default null: no records.
    /// </summary>
    [NotInFingerprint("only watches")]
    public string? RunFolder
    {
        get;
        init
        {
            if (value is not null)
                ArgumentException.ThrowIfNullOrWhiteSpace(value, nameof(RunFolder));
            field = value;
        }
    }

    /// <summary>
    /// A server of MLflow to which the training is reported, for teams that compare trainings there. Default null: none.
    /// </summary>
    [NotInFingerprint("only watches")]
    public MlflowTracking? Mlflow { get; init; }

    /// <summary>Receives the progress after every step and every epoch, on the training thread: a slow
    /// handler slows the training. Default null.</summary>
    [NotInFingerprint("only watches")]
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>
    /// Ends the training within a step, with the best model so far; if no epoch was complete, with the current weights and a warning. While
    /// rows are still being read there is no model to return: use <see cref="CancellationToken"/>.
    /// </summary>
    [NotInFingerprint("when to stop, not what to compute")]
    public CancellationToken StopToken { get; init; }

    /// <summary>Ends the training with <see cref="OperationCanceledException"/>.</summary>
    [NotInFingerprint("when to stop, not what to compute")]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Whether <see cref="Augmentation"/> was set explicitly.</summary>
    [NotInFingerprint("whose augmentation it is, not which")]
    internal bool AsksForAugmentation { get; init; }

    /// <summary>The only augmented column of pictures; null if there is none or several.</summary>
    internal virtual string? PictureColumn => null;

    /// <summary>Maximum number of tokens in a batch, with padding; null for no limit.</summary>
    internal virtual int? TokensOfBatch => null;

    /// <summary>Whether the network can have outputs for tokens of a text.</summary>
    internal virtual bool HasTokens => false;

    /// <summary>Name of the column of texts in which answers are found; null for tasks that seek none.</summary>
    internal virtual string? ContextColumn => null;

    /// <summary>Whether a step of the optimizer can have several batches.</summary>
    internal bool Accumulates => AccumulationSteps > 1 || TokensOfBatch is not null;

    /// <summary>Whether <see cref="Workers"/> was set.</summary>
    internal bool AsksForWorkers => _workers is not null;

    /// <summary>
    /// Cancels waiting for rows: none with several processes, which look at <see cref="CancellationToken"/> together after each batch.
    /// </summary>
    internal CancellationToken ReadingToken => Processes.IsSeveral ? CancellationToken.None : CancellationToken;

    /// <summary>Observers of this library, in addition to those that the options above request.</summary>
    [NotInFingerprint("only watches")]
    internal ITrainingObserver? Observer { get; init; }

    /// <summary>The clock of <see cref="TimeBudget"/>; replaced in tests.</summary>
    [NotInFingerprint("when to stop, not what to compute")]
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The task, or the default.</summary>
    internal LearningTask TaskInForce => Task ?? LearningTask.Multiclass();

    /// <summary>Names of the columns that the task reads and writes.</summary>
    internal TaskColumns Columns =>
        new(LabelColumnName, ScoreColumnName, PredictedLabelColumnName, ProbabilityColumnName, StatusColumnName, ContextColumn);

    /// <summary>Name of the column with the reason why a row could not be scored; null for no such column.</summary>
    internal virtual string? StatusColumnName => null;

    /// <summary>The options of this kind of network, as texts for the model file and the report.</summary>
    internal abstract IReadOnlyDictionary<string, string> DescribeOwn();

    /// <summary>The views of a picture that the fitted model scores.</summary>
    internal virtual TestTimeAugmentation ScoringViews => TestTimeAugmentation.None;

    /// <summary>Makes training pictures smaller in the first epochs; null for none.</summary>
    internal virtual ProgressiveResizing? Resizing => null;

    /// <summary>The same without smaller pictures in the first epochs.</summary>
    internal virtual FineTuningOptions AtFullSize => this;

    /// <summary>Name of the component in the log.</summary>
    internal abstract string ComponentName { get; }

    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    internal abstract void CheckInputs(SchemaShape schema, IExceptionContext context);

    /// <summary>Creates the input of the network.</summary>
    internal abstract ModelInput CreateInput(IExceptionContext context, DataViewSchema schema);

    /// <summary>Creates the network with its initial weights. The caller disposes it.</summary>
    internal abstract FineTunedNetwork CreateNetwork(ModelInput input, BoundTask task, long seed, Action<string> log);

    /// <summary>The plan of the training of a network, to which the adapters are attached.</summary>
    /// <exception cref="ArgumentException">The strategy or the adapter does not fit the network.</exception>
    internal TrainingPlan PlanFor(FineTunedNetwork network, long seed, Action<string> log) =>
        Strategy.TrainsPairs && network is ImageNetwork { Table: not null }
            ? throw new ArgumentException(
                $"Strategy.{Strategy} compares the features before the head, and the table beside the pictures enters the head: take "
                + "Strategy.ProbeThenFull().", "options")
            : Strategy.TrainsPairs && !(network.RunsInStages && network.GivesFeatures)
            ? throw new ArgumentException(
                $"Strategy.{Strategy} compares the features before the head, and {network.Name} runs as a whole: take Strategy.Full().",
                "options")
            : Adapter.Apply(network, Strategy.Resolve(network.Name, network.Stages, Epochs), seed, log).Resolve(network, BatchNorm);

    /// <summary>Sets initial values of the network's head that depend on the training labels, if the head is the library's.</summary>
    internal virtual void InitializeHead(FineTunedNetwork network, BoundTask task, RowSubset training)
    {
    }

    /// <summary>Fits statistics of the training rows that the network needs, such as means, before the first step.</summary>
    internal virtual void FitInput(FineTunedNetwork network, RowSubset training, IChannel channel)
    {
    }

    /// <summary>The teacher, or null. The caller disposes it.</summary>
    internal Teacher? CreateTeacher(BoundTask task, ModelInput input, TorchSharp.torch.Device device, Action<string> log) =>
        Distillation.Begin(LabelColumnName, task, input, device, log);

    /// <summary>The effective options, without those that do not apply to this network.</summary>
    internal virtual FineTuningOptions InForce => this;

    /// <summary>A warning that <see cref="Workers"/> is ignored; null if it is used.</summary>
    internal virtual string? UnusedWorkers => null;

    /// <summary>Creates the trainer of these options.</summary>
    internal abstract IEstimator<ITransformer> CreateTrainer(IHostEnvironment env);

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public sealed override string ToString() => InvariantText.Of(this);

    /// <exception cref="ArgumentException">Two options contradict each other.</exception>
    /// <exception cref="InvalidOperationException">A native library of <see cref="FrozenEngine"/> does not load.</exception>
    internal virtual void Check()
    {
        if (TaskInForce.HasTokenOutputs && !HasTokens)
        {
            throw new ArgumentException(
                $"LearningTask.{TaskInForce.Name} has outputs for the tokens of texts: train it with ml.FineTuning.FineTuneText.",
                "options");
        }
        if (EarlyStoppingPatience is not null && Validation is ValidationData.NoValidation)
            throw new ArgumentException("EarlyStoppingPatience needs validation: it waits for the validation to improve.", "options");
        if (WeightAveraging is WeightAveraging.BestAveraging && Validation is ValidationData.NoValidation)
            throw new ArgumentException("WeightAveraging.BestCheckpoints needs validation: "
                + "it says which epochs are the best, and whether their average is better.", "options");
        if (WeightAveraging is WeightAveraging.WiseFtAveraging && Validation is ValidationData.NoValidation)
            throw new ArgumentException("WeightAveraging.WiseFt needs validation: it chooses among the mixed weights.", "options");
        if (TaskInForce.NeedsValidation is { } reason && Validation is ValidationData.NoValidation)
            throw new ArgumentException(reason, "options");
        if (Metric is not null && Metric != Metric.Loss && Validation is ValidationData.NoValidation)
            throw new ArgumentException($"Metric needs validation: {Metric} is measured on its rows, and chooses the epoch.", "options");
        if (Sampling.NeedsClasses && TaskInForce.WhyNotBalanced(Sampling.Label, Columns) is { } whyNot)
            throw new ArgumentException($"Sampling.{Sampling} takes the rows of all classes equally often, and {whyNot}.", "options");
        if (!TaskInForce.TakesMixedRows && Augmentation.Operations.FirstOrDefault(operation => operation is IMixing) is { } mixing)
        {
            throw new ArgumentException(
                $"{mixing.GetType().Name} blends rows and their labels, and with several heads a row may lack one: leave it out.",
                "options");
        }
        if (Conformal is not null && !TaskInForce.HasClassScores)
        {
            throw new ArgumentException(
                $"Conformal gives sets of classes, of which a row has one, as of Multiclass, Ordinal and Binary; {TaskInForce.Name} has "
                + "none: leave it out.", "options");
        }
        if (Conformal is not null && Validation is ValidationData.NoValidation)
            throw new ArgumentException("Conformal needs validation: it is calibrated on a part of its rows.", "options");
        if (Conformal is not null && ScoringViews != TestTimeAugmentation.None)
        {
            throw new ArgumentException(
                $"Conformal calibrates on one view of each row, and TestTimeAugmentation {ScoringViews} scores several, whose averages "
                + "have other quantiles: leave one of the two out.", "options");
        }
        CheckDifferent([.. TaskInForce.OutputsOf(Columns), .. Conformal?.Outputs ?? []]);
        if (GradientClipping is GradientClipping.AdaptiveClipping && Strategy == Strategy.HeadOnly)
            throw new ArgumentException("GradientClipping.Adaptive leaves the head out, and with Strategy.HeadOnly nothing else trains: "
                + "take GradientClipping.Norm.", "options");
        Schedule.Check(this);
        if (Strategy.TrainsPairs)
            CheckPairs();
        FrozenEngine.Check();
    }

    private void CheckPairs()
    {
        if (!TaskInForce.HasClassScores)
        {
            throw new ArgumentException(
                $"Strategy.{Strategy} compares rows of the same class and of different ones, and a row has one class only in Multiclass, "
                + $"Binary and Ordinal. For {TaskInForce.Name} take Strategy.Full() or ProbeThenFull().", "options");
        }
        if (Augmentation.Operations.FirstOrDefault(operation => operation is IMixing) is { } mixing)
            throw Refused($"{mixing.GetType().Name} blends rows of different classes");
        if (Distillation != Distillation.None)
            throw Refused("Distillation teaches outputs, which pairs do not have");
        if (WeightAveraging is WeightAveraging.WiseFtAveraging)
            throw Refused("WeightAveraging.WiseFt mixes the weights of two phases, and after pairs there is no trained head");

        ArgumentException Refused(string reason) =>
            new($"Strategy.{Strategy} trains on pairs of rows, and {reason}. Leave it out.", "options");
    }

    private static void CheckDifferent(IReadOnlyList<(string Option, string Name)> columns)
    {
        foreach (var (option, name) in columns)
        {
            if (string.IsNullOrWhiteSpace(name))
                throw new ArgumentException($"{option} is empty; an output column needs a name.", "options");
            foreach (var (otherOption, otherName) in columns)
            {
                if (name == otherName && option != otherOption)
                    throw new ArgumentException($"{option} and {otherOption} are both '{name}': "
                        + "they must be two different names.", "options");
            }
        }
    }

    private static int Positive(int value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
        return value;
    }
}
