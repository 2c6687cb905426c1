using MlNetFineTune.Strategies;

namespace MlNetFineTune;

/// <summary>
/// Which part of the network trains, and how fast. The new classifier (the head) always trains, at the full learning rate; below it a layer
/// decay makes each stage learn slower than the one above (Howard and Ruder 2018, section 3.2, https://arxiv.org/abs/1801.06146), since early
/// layers need the least change. What does not train is frozen: its weights and its BatchNorm statistics stay as they are.
/// </summary>
public abstract record Strategy
{
    private protected Strategy()
    {
    }

    /// <summary>Only the new classifier trains, on features that are computed once a picture where augmentation allows. Minutes on a CPU.</summary>
    public static Strategy HeadOnly { get; } = new HeadOnlyStrategy();

    /// <summary>The last stages of the backbone train with the head.</summary>
    /// <param name="count">How many of <see cref="Backbone.Stages"/>, from the end. At least 1.</param>
    /// <param name="layerDecay">Factor of the learning rate from each stage to the one below it. Above 0, at most 1.</param>
    public static Strategy LastStages(int count, float layerDecay = 0.7f) => new LastStagesStrategy(count, layerDecay);

    /// <summary>A stage trains, and all above it with the head.</summary>
    /// <param name="stage">One of <see cref="Backbone.Stages"/>.</param>
    /// <param name="layerDecay">Factor of the learning rate from each stage to the one below it. Above 0, at most 1.</param>
    public static Strategy From(string stage, float layerDecay = 0.7f) => new FromStageStrategy(stage, layerDecay);

    /// <summary>Everything trains.</summary>
    /// <param name="layerDecay">Factor of the learning rate from each stage to the one below it. Above 0, at most 1; 1 for weights from scratch.</param>
    public static Strategy Full(float layerDecay = 0.7f) => new FullStrategy(layerDecay);

    /// <param name="network">For messages.</param>
    /// <param name="stages">Its stages, by name.</param>
    /// <param name="epochs">Of the whole training.</param>
    /// <exception cref="ArgumentException">The strategy does not fit the network.</exception>
    internal abstract TrainingPlan Resolve(string network, IReadOnlyList<string> stages, int epochs);

    private protected static float CheckDecay(float layerDecay) => layerDecay is > 0 and <= 1
        ? layerDecay
        : throw new ArgumentOutOfRangeException(nameof(layerDecay), layerDecay, "The layer decay must be above 0 and at most 1.");
}
