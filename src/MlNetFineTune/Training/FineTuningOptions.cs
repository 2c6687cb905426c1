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

/// <summary>What can be said about every fine-tuning, whatever the network and its inputs.</summary>
public abstract record FineTuningOptions
{
    [NotInFingerprint("workers do not change the result")]
    private readonly int? _workers;

    private protected FineTuningOptions()
    {
    }

    /// <summary>
    /// What is learnt, with its options. Default null: what the catalog stands for, with its defaults
    /// (<c>ml.MulticlassClassification</c>: <see cref="LearningTask.Multiclass"/>). Another catalog's task is an error.
    /// <c>ml.FineTuning</c> takes any, which must be set there.
    /// </summary>
    public LearningTask? Task { get; init; }

    /// <summary>
    /// Which of the task's metrics chooses the epoch whose weights are kept, and is waited for by <see cref="EarlyStoppingPatience"/>.
    /// Default null: <see cref="Metric.Loss"/>. A metric that the task does not have is an error. Needs validation.
    /// </summary>
    public Metric? Metric { get; init; }

    /// <summary>
    /// The label: a key for classes, Boolean for yes and no, a number for regression, a vector of Boolean or of keys for several labels a
    /// row. <c>Conversion.MapValueToKey</c> makes a key of text. Default "Label".
    /// </summary>
    [NotInFingerprint("the labels themselves are hashed")]
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>
    /// A Single of 0 or above that says how much a row counts: losses are weighted means, in each step and in validation, whose loss
    /// chooses the best epoch. Accuracy and errors that are reported count every row once. Default null: all rows count alike.
    /// </summary>
    [NotInFingerprint("the weights themselves are hashed")]
    public string? ExampleWeightColumnName { get; init; }

    /// <summary>Output: what the model says of a row. Each task documents its own.</summary>
    [NotInFingerprint("an output")]
    public string ScoreColumnName { get; init; } = "Score";

    /// <summary>Output of tasks with classes: the predicted one. Default "PredictedLabel".</summary>
    [NotInFingerprint("an output")]
    public string PredictedLabelColumnName { get; init; } = "PredictedLabel";

    /// <summary>Output of binary classification: the probability of true. Default "Probability".</summary>
    [NotInFingerprint("an output")]
    public string ProbabilityColumnName { get; init; } = "Probability";

    /// <summary>
    /// Random changes to the training rows' pictures, new in every epoch; scoring and validation see them as they are. Default:
    /// <see cref="Augmentation.Light"/> for images, none for modules, whose inputs need not be pictures.
    /// </summary>
    public Augmentation Augmentation
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Augmentation));
            field = value;
        }
    } = Augmentation.None;

    /// <summary>Small layers beside large ones, which train in their place. Default: none. Combines with any strategy.</summary>
    public Adapter Adapter
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Adapter));
            field = value;
        }
    } = Adapter.None;

    /// <summary>A fitted model that teaches this one. Default: none.</summary>
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
    /// Where the outputs of frozen stages are kept, which are computed once for rows that look the same in every epoch: without
    /// augmentation, or with <see cref="Augmentation.FixedViews"/>; validation always. Of a module, where its stages run one by one: a
    /// <c>Sequential</c>, or <see cref="IStagedModule.ComputationOf"/>. Default: in memory, up to 1 GiB. Does not change what is computed.
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
    /// Whether a step keeps the activations between stages alone, and computes those within a stage again on the way back (Chen et al.
    /// 2016, https://arxiv.org/abs/1604.06174): less memory, about a third more time, the same weights. An error for networks
    /// that run as a whole: TorchScript programs, and modules that are neither a <c>Sequential</c> nor have
    /// <see cref="IStagedModule.ComputationOf"/>. Default false.
    /// </summary>
    [NotInFingerprint("the same weights in less memory")]
    public bool ActivationCheckpointing { get; init; }

    /// <summary>What trains. Default: everything.</summary>
    [NotInFingerprint("the plan that it resolves to is hashed")]
    public Strategy Strategy { get; init; } = Strategy.Full();

    /// <summary>What BatchNorm does where it trains. Default: what the strategy wants, which is as a rule that it moves.</summary>
    [NotInFingerprint("the plan says what BatchNorm does")]
    public BatchNormMode BatchNorm
    {
        get;
        init => field = Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(BatchNorm), value, "There is no such mode.");
    }

    /// <summary>Passes over the training rows, whatever the strategy. Default 10.</summary>
    public int Epochs { get; init => field = Positive(value, nameof(Epochs)); } = 10;

    /// <summary>
    /// Rows in one step. At least 1, default 16. The rows are spread evenly over the steps, so that there is no small last one. A BatchNorm
    /// that trains needs more than one value a channel: with 1 that can be an error, which names the layer; a batch that has shrunk to one
    /// row is left out of its epoch where it cannot train.
    /// </summary>
    public int BatchSize { get; init => field = Positive(value, nameof(BatchSize)); } = 16;

    /// <summary>
    /// Batches whose gradients make one step together, each row with the same weight: a large batch in the memory of a small one. Steps
    /// have the rows that they would have with a <see cref="BatchSize"/> so many times as large; BatchNorm sees the small batches.
    /// Default 1.
    /// </summary>
    public int AccumulationSteps { get; init => field = Positive(value, nameof(AccumulationSteps)); } = 1;

    /// <summary>Of the head; strategies scale it for the stages below. Default 0.001.</summary>
    public float LearningRate
    {
        get;
        init => field = value > 0 && float.IsFinite(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(LearningRate), value, "The learning rate must be above 0.");
    } = 1e-3f;

    /// <summary>Default: AdamW.</summary>
    public Optimizer Optimizer { get; init; } = Optimizer.AdamW();

    /// <summary>Default: cosine with a warm-up of 5 % of the steps.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Cosine();

    /// <summary>What is done about gradients that are too large. Default: nothing.</summary>
    public GradientClipping GradientClipping { get; init; } = GradientClipping.None;

    /// <summary>Whether the model has the weights of one moment, or an average of several.
    /// Default: of one moment, the best epoch's.</summary>
    public WeightAveraging WeightAveraging { get; init; } = WeightAveraging.None;

    /// <summary>Which rows judge the epochs. Default: a fifth, of each class.</summary>
    public ValidationData Validation { get; init; } = ValidationData.Fraction(0.2f);

    /// <summary>Ends the training when validation has not improved for so many epochs, of the last part where the strategy has several;
    /// null (the default) runs all epochs. Needs validation.</summary>
    public int? EarlyStoppingPatience { get; init => field = value is { } epochs ? Positive(epochs, nameof(EarlyStoppingPatience)) : null; }

    /// <summary>Ends the training in good order, with the best model so far, when it has taken so long (reading the rows is not counted;
    /// earlier processes are, with <see cref="Checkpoint"/>). Above zero. Default null: no limit.</summary>
    [NotInFingerprint("when to stop, not what to compute")]
    public TimeSpan? TimeBudget
    {
        get;
        init => field = value is null || value > TimeSpan.Zero ? value
            : throw new ArgumentOutOfRangeException(nameof(TimeBudget), value, "The time budget must be above zero.");
    }

    /// <summary>What happens when the loss is no number any more, or jumps up and stays there. Default: an error.</summary>
    [NotInFingerprint("when to give up, not what to compute")]
    public Divergence OnDivergence { get; init; } = Divergence.Throw();

    /// <summary>Whether the training can go on after its process was killed, or it was cancelled or stopped. Default: it cannot.</summary>
    [NotInFingerprint("where and how often to write")]
    public TrainingCheckpoint Checkpoint { get; init; } = TrainingCheckpoint.None;

    /// <summary>What to do about rows whose inputs cannot be read. Default: an error.</summary>
    public BadRows BadRows { get; init; } = BadRows.Throw;

    /// <summary>Decides every random choice. Default: the context's seed, else 0.</summary>
    [NotInFingerprint("the seed in force is hashed")]
    public int? Seed { get; init; }

    /// <summary>
    /// Threads that read rows and decode and augment pictures. Default: one a processor, at most 16. Does not change the result. A module
    /// without pictures has one, whatever is said, and a warning says
    /// so: numbers are copied faster than threads pass them on. Large pictures wait for memory that the whole process shares, so more
    /// threads need not decode more of them at once.
    /// </summary>
    [NotInFingerprint("workers do not change the result")]
    public int Workers
    {
        get => _workers ?? Math.Min(Environment.ProcessorCount, 16);
        init => _workers = Positive(value, nameof(Workers));
    }

    /// <summary>What loading the saved model does when its probe row scores differently here: log a warning (the default), or fail.
    /// CPUs differ, so a warning need not be a fault.</summary>
    [NotInFingerprint("of loading the model")]
    public ProbeMismatch OnProbeMismatch { get; init; } = ProbeMismatch.Warn;

    /// <summary>
    /// A folder to watch the training in, made if it is not there: <c>history.csv</c> and <c>history.json</c>, written after every epoch;
    /// TensorBoard's events (<c>tensorboard --logdir</c>), after every step; and at the end <c>report.html</c>, a page of its own with
    /// curves, confusion matrix, worst mistakes and what it takes to do the same again.
    /// One folder for each training: a later one replaces history and report. Default null: none.
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

    /// <summary>Told after every step. Called on the training thread: be quick.</summary>
    [NotInFingerprint("only watches")]
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Ends the training within a step, with the best model so far; a warning says if none was complete.
    /// While rows are still being read there is nothing to return: use <see cref="CancellationToken"/>.</summary>
    [NotInFingerprint("when to stop, not what to compute")]
    public CancellationToken StopToken { get; init; }

    /// <summary>Ends the training with <see cref="OperationCanceledException"/>.</summary>
    [NotInFingerprint("when to stop, not what to compute")]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Whether <see cref="Workers"/> were asked for, rather than left as they are.</summary>
    internal bool AsksForWorkers => _workers is not null;

    /// <summary>Of ours, beside what the options above ask for.</summary>
    [NotInFingerprint("only watches")]
    internal ITrainingObserver? Observer { get; init; }

    /// <summary>By which <see cref="TimeBudget"/> passes; tests have no time to wait.</summary>
    [NotInFingerprint("when to stop, not what to compute")]
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The task, or the default where none is said.</summary>
    internal LearningTask TaskInForce => Task ?? LearningTask.Multiclass();

    /// <summary>Names of the columns that the task reads and writes.</summary>
    internal TaskColumns Columns =>
        new(LabelColumnName, ScoreColumnName, PredictedLabelColumnName, ProbabilityColumnName, StatusColumnName);

    /// <summary>Where the reason stands why a row could not be scored; null for no such column.</summary>
    internal virtual string? StatusColumnName => null;

    /// <summary>The views of a picture that the fitted model scores.</summary>
    internal virtual TestTimeAugmentation ScoringViews => TestTimeAugmentation.None;

    /// <summary>For the log.</summary>
    internal abstract string ComponentName { get; }

    /// <exception cref="Exception">An input column is missing or of another type; in ML.NET's words.</exception>
    internal abstract void CheckInputs(SchemaShape schema, IExceptionContext context);

    /// <summary>What enters the network.</summary>
    internal abstract ModelInput CreateInput(IExceptionContext context, DataViewSchema schema);

    /// <summary>The network with the weights that training begins with. The caller disposes it.</summary>
    internal abstract FineTunedNetwork CreateNetwork(ModelInput input, BoundTask task, long seed, Action<string> log);

    /// <summary>The teacher, if there is one. The caller disposes it.</summary>
    internal Teacher? CreateTeacher(BoundTask task, ModelInput input, TorchSharp.torch.Device device, Action<string> log) =>
        Distillation.Begin(LabelColumnName, task, input, device, log);

    /// <summary>The options with what does not apply to this network set aside.</summary>
    internal virtual FineTuningOptions InForce => this;

    /// <summary>A warning that <see cref="Workers"/> was set aside; null where it was not.</summary>
    internal virtual string? UnusedWorkers => null;

    /// <summary>The trainer of these options.</summary>
    internal abstract IEstimator<ITransformer> CreateTrainer(IHostEnvironment env);

    /// <summary>Names and values, with the same numbers in every culture.</summary>
    public sealed override string ToString() => InvariantText.Of(this);

    /// <exception cref="ArgumentException">Two options contradict each other.</exception>
    internal virtual void Check()
    {
        if (EarlyStoppingPatience is not null && Validation is ValidationData.NoValidation)
            throw new ArgumentException("EarlyStoppingPatience needs validation: it waits for the validation to improve.", "options");
        if (WeightAveraging is WeightAveraging.BestAveraging && Validation is ValidationData.NoValidation)
            throw new ArgumentException("WeightAveraging.BestCheckpoints needs validation: "
                + "it says which epochs are the best, and whether their average is better.", "options");
        if (TaskInForce.NeedsValidation is { } reason && Validation is ValidationData.NoValidation)
            throw new ArgumentException(reason, "options");
        if (Metric is not null && Metric != Metric.Loss && Validation is ValidationData.NoValidation)
            throw new ArgumentException($"Metric needs validation: {Metric} is measured on its rows, and chooses the epoch.", "options");
        CheckDifferent(TaskInForce.OutputsOf(Columns));
        if (GradientClipping is AdaptiveClipping && Strategy is HeadOnlyStrategy)
            throw new ArgumentException("GradientClipping.Adaptive leaves the head out, and with Strategy.HeadOnly nothing else trains: "
                + "take GradientClipping.Norm.", "options");
        Schedule.Check(this);
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
