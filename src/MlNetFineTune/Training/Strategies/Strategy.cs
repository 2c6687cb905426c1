using MlNetFineTune.Networks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>
/// Which parameters of the network are trained, in which epochs and at which learning rate. The head is trained at the full learning rate,
/// with every strategy except those with rates of their own and <see cref="Custom"/>; below it a layer decay gives each stage a lower
/// learning rate than the one above (Howard and Ruder 2018, section 3.2, https://arxiv.org/abs/1801.06146). All other parameters are
/// frozen: their weights and BatchNorm statistics do not change.
/// </summary>
public abstract partial record Strategy
{
    private protected Strategy()
    {
    }

    /// <summary>
    /// Trains only the head, on features that are computed once per picture without augmentation or with
    /// <see cref="Augmentation.FixedViews"/>.
    /// </summary>
    public static Strategy HeadOnly { get; } = new HeadOnlyStrategy();

    /// <summary>Trains the head and the last stages of the network.</summary>
    /// <param name="count">Number of trained <see cref="Backbone.Stages"/>, counted from the end. At least 1.</param>
    /// <param name="layerDecay">Factor of the learning rate from each stage to the one below it. Above 0, at most 1. Default 0.7.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Strategy LastStages(int count, float layerDecay = 0.7f) => new LastStagesStrategy(count, layerDecay);

    /// <summary>Trains the head, a stage and all stages above it.</summary>
    /// <param name="stage">Name of a stage, one of <see cref="Backbone.Stages"/>.</param>
    /// <param name="layerDecay">Factor of the learning rate from each stage to the one below it. Above 0, at most 1. Default 0.7.</param>
    /// <exception cref="ArgumentException"><paramref name="stage"/> is empty, or <paramref name="layerDecay"/> is out of range.</exception>
    public static Strategy From(string stage, float layerDecay = 0.7f) => new FromStageStrategy(stage, layerDecay);

    /// <summary>Trains everything.</summary>
    /// <param name="layerDecay">Factor of the learning rate from each stage to the one below it. Above 0, at most 1;
    /// use 1 for random weights. Default 0.7.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="layerDecay"/> is out of range.</exception>
    public static Strategy Full(float layerDecay = 0.7f) => new FullStrategy(layerDecay);

    /// <summary>
    /// Gradual unfreezing: starts with the head only, and unfreezes one more stage every few epochs, from the top down (Howard and Ruder
    /// 2018, section 3.3). With too few epochs several stages are unfrozen at once, so that everything is trained at the end. In each phase
    /// the learning rate schedule runs once, and the optimizer starts anew.
    /// </summary>
    /// <param name="epochsEach">Number of epochs before the next stage is unfrozen. At least 1. Default 1.</param>
    /// <param name="layerDecay">Factor of the learning rate from each stage to the one below it. Above 0, at most 1. Default 0.7.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Strategy Gradual(int epochsEach = 1, float layerDecay = 0.7f) => new GradualStrategy(epochsEach, layerDecay);

    /// <summary>
    /// Linear probing, then full fine-tuning: first only the head, on features that are computed once per picture, without augmentation;
    /// then everything, starting from a head that does not distort the pretrained features (Kumar et al. 2022,
    /// https://arxiv.org/abs/2202.10054). For the same reason BatchNorm keeps the pretrained statistics, unless
    /// <see cref="FineTuningOptions.BatchNorm"/> is set. The best epoch of both phases is used, so that the model is not worse on the
    /// validation rows than the probe. Requires at least 2 epochs. In each phase the schedule runs once.
    /// </summary>
    /// <param name="probe">Fraction of the epochs for the head only. Above 0, below 1. Default 0.5.</param>
    /// <param name="probeRate">
    /// Factor of the head's learning rate in the first phase: one layer on constant features tolerates a higher rate than a network. Above
    /// 0. Default 3.
    /// </param>
    /// <param name="fullRate">Factor of the learning rate in the second phase, including the head. Above 0. Default 0.3.</param>
    /// <param name="layerDecay">
    /// Factor of the learning rate from each stage to the one below it, in the second phase. Above 0, at most 1. Default 0.7.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Strategy ProbeThenFull(float probe = 0.5f, float probeRate = 3, float fullRate = 0.3f, float layerDecay = 0.7f) =>
        new ProbeThenFullStrategy(probe, probeRate, fullRate, layerDecay);

    /// <summary>
    /// Contrastive training for few labelled rows (SetFit, Tunstall et al. 2022, https://arxiv.org/abs/2209.11055): first the network below
    /// the head, on pairs of rows, so that features of the same class are alike and those of different classes are not; then only the head,
    /// on features that are computed once. The loss of a pair is (cosine similarity - target)², where the target is 1 for rows of
    /// one class and 0 otherwise (<c>CosineSimilarityLoss</c> of sentence-transformers).
    /// <para>In each epoch of pairs every row begins one pair with a row of its class and one with a row of another, drawn from the seed
    /// and the epoch. A row is never paired with itself, rows of weight 0 are in no pair, and the rows of other classes come about equally
    /// often. A class with one row has pairs of the second kind only, which is a warning; if every class has one row, it is an error. A
    /// batch has <see cref="FineTuningOptions.BatchSize"/> / 2 pairs, and each of its rows is computed once. These epochs are not validated
    /// and never the model's, unless the training is stopped within them; <see cref="FineTuningOptions.Sampling"/>,
    /// <see cref="FineTuningOptions.WeightAveraging"/> and early stopping act on the second phase. In each phase the schedule runs once.
    /// </para>
    /// <para>For tasks with one class a row (<see cref="LearningTask.Multiclass"/>, <see cref="LearningTask.Binary"/>,
    /// <see cref="LearningTask.Ordinal"/>) and networks that run in stages. Not with <see cref="Distillation"/>, <c>MixUp</c>,
    /// <c>CutMix</c> and <see cref="WeightAveraging.WiseFt"/>.</para>
    /// </summary>
    /// <param name="iterations">
    /// Number of epochs of pairs, each with two pairs a row; the remaining <see cref="FineTuningOptions.Epochs"/>, at least one, train the
    /// head. SetFit's <c>num_iterations</c>. At least 1. Default 20; fewer suffice for many classes or rows.
    /// </param>
    /// <param name="encoderRate">
    /// Factor of the learning rate in the first phase, of the uppermost stage. Above 0. Default 0.02: 2e-5 for the default rate. With LoRA
    /// about 1.
    /// </param>
    /// <param name="probeRate">Factor of the head's learning rate in the second phase. Above 0. Default 3.</param>
    /// <param name="layerDecay">
    /// Factor of the learning rate from each stage to the one below it, in the first phase. Above 0, at most 1. Default 1.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Strategy ContrastiveThenProbe(
        int iterations = 20, float encoderRate = 0.02f, float probeRate = 3, float layerDecay = 1) =>
        new ContrastiveStrategy(iterations, encoderRate, probeRate, layerDecay);

    /// <summary>
    /// Trains biases, scales and shifts of norms, and the head, which are less than 1 % of the parameters (Ben Zaken et al. 2021, "BitFit",
    /// https://arxiv.org/abs/2106.10199; Frankle et al. 2020, https://arxiv.org/abs/2003.00152). All at the full learning rate.
    /// </summary>
    public static Strategy NormAndBias { get; } = new NormAndBiasStrategy();

    /// <summary>
    /// Your own rule, which returns a factor of the learning rate for each parameter by its name, including those of the head.
    /// </summary>
    /// <param name="rule">
    /// Maps a name as in weight files, such as <c>layer4.0.conv1.weight</c>, to the factor of the learning rate: 0 freezes the parameter, 1
    /// is the factor of the head in other strategies. Must be deterministic: a checkpoint compares the results of the rule.
    /// </param>
    public static Strategy Custom(Func<string, float> rule) => new CustomStrategy(rule);

    /// <summary>Whether a phase trains on pairs of rows.</summary>
    internal virtual bool TrainsPairs => false;

    /// <param name="network">Name of the network, for messages.</param>
    /// <param name="stages">Names of the stages of the network.</param>
    /// <param name="epochs">Epochs of the whole training.</param>
    /// <exception cref="ArgumentException">The strategy does not fit the network.</exception>
    internal abstract PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs);

    private protected static float CheckDecay(float layerDecay) => layerDecay is > 0 and <= 1
        ? layerDecay
        : throw new ArgumentOutOfRangeException(nameof(layerDecay), layerDecay, "The layer decay must be above 0 and at most 1.");

    private protected static float CheckRate(float rate, string name) => rate > 0 && float.IsFinite(rate)
        ? rate
        : throw new ArgumentOutOfRangeException(name, rate, "The factor of the learning rate must be above 0.");

    private sealed record HeadOnlyStrategy : Strategy
    {
        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
            PlanRules.Trains(stages.Count, 0, 1, epochs);

        public override string ToString() => nameof(HeadOnly);
    }

    private sealed record LastStagesStrategy : Strategy
    {
        private readonly int _count;
        private readonly float _layerDecay;

        public LastStagesStrategy(int count, float layerDecay)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
            (_count, _layerDecay) = (count, CheckDecay(layerDecay));
        }

        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) => _count <= stages.Count
            ? PlanRules.Trains(stages.Count, _count, _layerDecay, epochs)
            : throw new ArgumentException(
                $"Strategy.LastStages({_count}): {network} has {stages.Count} stages: {string.Join(", ", stages)}.");

        public override string ToString() => FormattableString.Invariant($"LastStages({_count}, layerDecay: {_layerDecay})");
    }

    private sealed record FromStageStrategy : Strategy
    {
        private readonly string _stage;
        private readonly float _layerDecay;

        public FromStageStrategy(string stage, float layerDecay)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(stage);
            (_stage, _layerDecay) = (stage, CheckDecay(layerDecay));
        }

        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
            stages.Index().FirstOrDefault(stage => stage.Item == _stage) is (var index, not null)
            ? PlanRules.Trains(stages.Count, stages.Count - index, _layerDecay, epochs)
            : throw new ArgumentException($"{this}: {network} has no such stage; it has: {string.Join(", ", stages)}.");

        public override string ToString() => FormattableString.Invariant($"From({_stage}, layerDecay: {_layerDecay})");
    }

    private sealed record FullStrategy : Strategy
    {
        private readonly float _layerDecay;

        public FullStrategy(float layerDecay) => _layerDecay = CheckDecay(layerDecay);

        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
            PlanRules.Trains(stages.Count, stages.Count, _layerDecay, epochs);

        public override string ToString() => FormattableString.Invariant($"Full(layerDecay: {_layerDecay})");
    }

    private sealed record NormAndBiasStrategy : Strategy
    {
        // One-dimensional parameters are biases, scales and shifts of norms, and a few scales of branches.
        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
            new([new PhaseRule(epochs, parameter => parameter.Stage == stages.Count || parameter.Parameter.ndim < 2 ? 1 : 0)]);

        public override string ToString() => nameof(NormAndBias);
    }
}
