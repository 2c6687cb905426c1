using MlNetFineTune.Networks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>
/// Which parameters of the network train, in which epochs and at which learning rate. The new classifier (the head) trains at the full
/// learning rate, with every strategy but <see cref="ProbeThenFull"/> and <see cref="Custom"/>; below it a layer decay makes each stage
/// learn slower than the one above (Howard and Ruder 2018, section 3.2, https://arxiv.org/abs/1801.06146), since early layers need the
/// least change. What does not train is frozen: its weights and its BatchNorm statistics stay as they are.
/// </summary>
public abstract partial record Strategy
{
    private protected Strategy()
    {
    }

    /// <summary>Only the new classifier trains, on features that are computed once a picture
    /// where augmentation allows. Minutes on a CPU.</summary>
    public static Strategy HeadOnly { get; } = new HeadOnlyStrategy();

    /// <summary>The last stages of the backbone train with the head.</summary>
    /// <param name="count">Number of <see cref="Backbone.Stages"/> that train, counted from the end. At least 1.</param>
    /// <param name="layerDecay">Factor of the learning rate from each stage to the one below it. Above 0, at most 1.</param>
    public static Strategy LastStages(int count, float layerDecay = 0.7f) => new LastStagesStrategy(count, layerDecay);

    /// <summary>A stage trains, and all above it with the head.</summary>
    /// <param name="stage">One of <see cref="Backbone.Stages"/>.</param>
    /// <param name="layerDecay">Factor of the learning rate from each stage to the one below it. Above 0, at most 1.</param>
    public static Strategy From(string stage, float layerDecay = 0.7f) => new FromStageStrategy(stage, layerDecay);

    /// <summary>Everything trains.</summary>
    /// <param name="layerDecay">Factor of the learning rate from each stage to the one below it. Above 0, at most 1;
    /// 1 for weights from scratch.</param>
    public static Strategy Full(float layerDecay = 0.7f) => new FullStrategy(layerDecay);

    /// <summary>
    /// Begins with the head alone; one stage more trains after every few epochs, from the top down (Howard and Ruder 2018, section 3.3,
    /// "gradual unfreezing"). Where the epochs are too few, several join at once, so that everything trains in the end. In each part the
    /// schedule of the learning rate runs once, and the optimizer begins afresh.
    /// </summary>
    /// <param name="epochsEach">Epochs before the next stage joins. At least 1.</param>
    /// <param name="layerDecay">Factor of the learning rate from each stage to the one below it. Above 0, at most 1.</param>
    public static Strategy Gradual(int epochsEach = 1, float layerDecay = 0.7f) => new GradualStrategy(epochsEach, layerDecay);

    /// <summary>
    /// First the head alone, on features that are computed once a picture, without augmentation; then everything, from a head
    /// that no longer pulls the pretrained features about (Kumar et al. 2022, https://arxiv.org/abs/2202.10054); for the same
    /// reason BatchNorm stays with the pretrained statistics, unless <see cref="FineTuningOptions.BatchNorm"/> says otherwise.
    /// With validation the best epoch of both parts is kept, so that the model is never worse on it than the probe. Needs 2
    /// epochs. In each part the schedule runs once.
    /// </summary>
    /// <param name="probe">Share of the epochs for the head alone. Above 0, below 1.</param>
    /// <param name="probeRate">In the first part, factor of the head's learning rate: one layer on constant features tolerates a
    /// higher rate than a network. Above 0. Default 3.</param>
    /// <param name="fullRate">In the second part, factor of the learning rate, the head's too. Above 0.</param>
    /// <param name="layerDecay">In the second part, factor of the learning rate from each stage
    /// to the one below it. Above 0, at most 1.</param>
    public static Strategy ProbeThenFull(float probe = 0.5f, float probeRate = 3, float fullRate = 0.3f, float layerDecay = 0.7f) =>
        new ProbeThenFullStrategy(probe, probeRate, fullRate, layerDecay);

    /// <summary>
    /// Biases, the scales and shifts of norms, and the head: a few thousandths of the parameters, on features that stay the pretrained ones
    /// (Ben Zaken et al. 2021, "BitFit", https://arxiv.org/abs/2106.10199; Frankle et al. 2020, https://arxiv.org/abs/2003.00152).
    /// All at the full learning rate.
    /// </summary>
    public static Strategy NormAndBias { get; } = new NormAndBiasStrategy();

    /// <summary>A rule of your own that gives each parameter, including those of the head,
    /// a factor of the learning rate by its name.</summary>
    /// <param name="rule">From a name as weight files have it, such as <c>layer4.0.conv1.weight</c>, to the factor of the learning rate: 0
    /// freezes, 1 is the head's in other strategies. Must always return the same: a checkpoint compares the results of the rule.</param>
    public static Strategy Custom(Func<string, float> rule) => new CustomStrategy(rule);

    /// <param name="network">Name of the network, for messages.</param>
    /// <param name="stages">Names of the stages of the network.</param>
    /// <param name="epochs">Epochs of the whole training.</param>
    /// <exception cref="ArgumentException">The strategy does not fit the network.</exception>
    internal abstract PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs);

    private protected static float CheckDecay(float layerDecay) => layerDecay is > 0 and <= 1
        ? layerDecay
        : throw new ArgumentOutOfRangeException(nameof(layerDecay), layerDecay, "The layer decay must be above 0 and at most 1.");

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
        // Of one dimension are the biases, and the scales and shifts of norms (and the few scales of whole branches).
        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
            new([new PhaseRule(epochs, parameter => parameter.Stage == stages.Count || parameter.Parameter.ndim < 2 ? 1 : 0)]);

        public override string ToString() => nameof(NormAndBias);
    }
}
