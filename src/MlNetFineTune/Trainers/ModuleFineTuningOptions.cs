using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;






namespace MlNetFineTune;

/// <summary>What can be said about training a module of your own; the tasks' options add what only they have.</summary>
public abstract record ModuleFineTuningOptions : FineTuningOptions
{
    // Most modules start from random weights, and there lower layers have as much to learn as upper ones.
    private protected ModuleFineTuningOptions() => Strategy = Strategy.Full(layerDecay: 1);

    /// <summary>Makes the network.</summary>
    public required ModuleFactory Factory
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Factory));
            field = value;
        }
    }

    /// <summary>What enters the module, in order. Default: the column <c>Features</c>.</summary>
    public IReadOnlyList<ModuleInput> Inputs
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Inputs));
            if (value.Count == 0 || value.Any(input => input is null))
                throw new ArgumentException("A module needs at least one input, and none may be null.", nameof(Inputs));
            if (value.GroupBy(input => input.ColumnName).FirstOrDefault(same => same.Count() > 1) is { } twice)
                throw new ArgumentException($"Column '{twice.Key}' is there twice.", nameof(Inputs));
            field = [.. value];
        }
    } = ["Features"];

    /// <summary>Weights to begin with: a file of any format that <see cref="Backbone.WithWeights(string)"/> reads, with exactly the module's parameters and buffers, by their names; null keeps those that the factory made.</summary>
    [NotInFingerprint("the weights themselves are hashed")]
    public string? WeightsFile { get; init; }

    /// <summary>
    /// Random changes to the training pictures (<see cref="ModuleInput.Image"/>), new in every epoch and counted by seed, epoch and row;
    /// pictures of the same row get the same draws. Validation and scoring see the centre crop. Numbers and keys are never changed. What
    /// acts on batches (<see cref="Augmentation.MixUp"/>, <see cref="Augmentation.CutMix"/>, <see cref="Augmentation.RandomErasing"/>) and
    /// <see cref="Augmentation.FixedViews"/> are for
    /// <see cref="ImageFineTuningOptions"/>. Default: none.
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

    internal abstract ModuleTask Task { get; }

    internal override Augmentation RowAugmentation => Augmentation;

    internal override void Check()
    {
        base.Check();
        if (Augmentation.IsNone)
            return;
        if (!Inputs.Any(input => input is ModuleInput.PictureInput))
            throw new ArgumentException(
                $"Augmentation ({Augmentation}) changes pictures, and Inputs has none: leave it out, or name a column with "
                + "ModuleInput.Image.", "options");
        if (Augmentation is FixedViews)
            throw new ArgumentException(
                "FixedViews saves what frozen stages compute again, and a module runs as a whole in every epoch: "
                + "give the augmentation that makes the views.", "options");
        if (Augmentation.Operations.FirstOrDefault(operation => operation is IMixing or RandomErasing) is { } ofBatches)
            throw new ArgumentException(
                $"{ofBatches.GetType().Name} acts on a batch of the network's pixels, which only FineTuneImages has; "
                + "a module's inputs are pictures, numbers and keys. Leave it out, or do it in the module's forward.", "options");
    }
}

/// <summary>Options of <c>MulticlassClassification.Trainers.FineTuneModule</c>. Only <see cref="ModuleFineTuningOptions.Factory"/> must be said.</summary>
/// <remarks>The label is a key; the module gives [N, classes] logits; the score is a vector of class probabilities with the class names as slot names.</remarks>
public sealed record MulticlassModuleOptions : ModuleFineTuningOptions
{
    /// <summary>Output: the most probable class, a key with the label's key values.</summary>
    [NotInFingerprint("an output")]
    public string PredictedLabelColumnName { get; init; } = "PredictedLabel";

    /// <inheritdoc cref="ImageFineTuningOptions.Loss"/>
    public ClassificationLoss Loss { get; init; } = ClassificationLoss.CrossEntropy();

    /// <inheritdoc cref="ImageFineTuningOptions.ClassWeights"/>
    public ClassWeights ClassWeights { get; init; } = ClassWeights.None;

    /// <summary>Whether probabilities are calibrated on the validation rows. Default: they are not.</summary>
    public Calibration Calibration { get; init; } = Calibration.None;

    internal override Calibration ScoreCalibration => Calibration;

    internal override ModuleTask Task => new MulticlassTask(LabelColumnName, ScoreColumnName, PredictedLabelColumnName, Loss, ClassWeights);

    internal override void Check()
    {
        base.Check();
        CheckDifferent((nameof(ScoreColumnName), ScoreColumnName), (nameof(PredictedLabelColumnName), PredictedLabelColumnName));
    }
}

/// <summary>Options of <c>BinaryClassification.Trainers.FineTuneModule</c>. Only <see cref="ModuleFineTuningOptions.Factory"/> must be said.</summary>
/// <remarks>The label is Boolean; the module gives [N, 1] logits; the score is the logit.</remarks>
public sealed record BinaryModuleOptions : ModuleFineTuningOptions
{
    /// <summary>Output: the probability of true, a Single.</summary>
    [NotInFingerprint("an output")]
    public string ProbabilityColumnName { get; init; } = "Probability";

    /// <summary>Output: whether the probability is above one half, a Boolean; false where the score is missing.</summary>
    [NotInFingerprint("an output")]
    public string PredictedLabelColumnName { get; init; } = "PredictedLabel";

    /// <summary>How much the rows of each kind count: <c>ClassWeights.Of(1, 3)</c> counts a true one three times, <c>Balanced</c> makes both kinds count alike. Default: all alike.</summary>
    public ClassWeights ClassWeights { get; init; } = ClassWeights.None;

    /// <summary>Whether probability and score, its logit, are calibrated on the validation rows. Default: they are not.</summary>
    public Calibration Calibration { get; init; } = Calibration.None;

    internal override Calibration ScoreCalibration => Calibration;

    internal override ModuleTask Task => new BinaryTask(LabelColumnName, ScoreColumnName, ProbabilityColumnName, PredictedLabelColumnName, ClassWeights);

    internal override void Check()
    {
        base.Check();
        CheckDifferent((nameof(ScoreColumnName), ScoreColumnName), (nameof(ProbabilityColumnName), ProbabilityColumnName), (nameof(PredictedLabelColumnName), PredictedLabelColumnName));
        ClassWeights.Check(BinaryObjective.Classes);
    }
}

/// <summary>Options of <c>Regression.Trainers.FineTuneModule</c>. Only <see cref="ModuleFineTuningOptions.Factory"/> must be said.</summary>
/// <remarks>The label is a Single; the module gives [N, 1]; so is the score. Networks learn labels near 0 and of size 1 best: bring others there first.</remarks>
public sealed record RegressionModuleOptions : ModuleFineTuningOptions
{
    /// <summary>What is made small. Default: the squared error.</summary>
    public RegressionLoss Loss { get; init; } = RegressionLoss.SquaredError;

    internal override ModuleTask Task => new RegressionTask(LabelColumnName, ScoreColumnName, Loss);

    internal override void Check()
    {
        base.Check();
        CheckDifferent((nameof(ScoreColumnName), ScoreColumnName));
    }
}
