using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune;

// Fewer channels, and what a network costs with them.
public sealed partial record Backbone
{
    /// <summary>The channels that pruning leaves, now or before an earlier training.</summary>
    internal ChannelWidths Widths { get; init; } = ChannelWidths.Whole;

    /// <summary>How to choose the channels; null where the weights are those of the smaller network already.</summary>
    internal Pruning? Pruning { get; private init; }

    /// <summary>
    /// Structured pruning: removes the channels of smallest norm from every layer. The result is a smaller network that computes what the
    /// original would with these channels at zero. The loss of accuracy is recovered by fine-tuning all layers afterwards:
    /// <c>Backbone.FromModel(model).Prune(0.25f)</c> with <c>Strategy.Full(1)</c>. The model file contains the smaller network.
    /// </summary>
    /// <param name="ratio">
    /// The share of channels to remove, above 0 and below 1, of the channels inside blocks. Channels of residual sums, of the stem and of
    /// the features are kept (in MobileNetV1 and VGG, which have no sums, only the features). A layer keeps the nearest multiple of 8, and
    /// at least 8. Multiply-adds fall by a little less than this share where one side of the convolutions is pruned (MobileNetV2), by more
    /// where both are (MobileNetV1).
    /// </param>
    /// <param name="byBatchNormScale">
    /// Whether the channels of a layer are ranked by the absolute scale of their BatchNorm (where a depthwise convolution follows, plus
    /// that of its BatchNorm; Liu et al. 2017, https://arxiv.org/abs/1708.06519), instead of by the sum of the absolute weights of the
    /// filter that computes the channel (Li et al. 2017, section 3.1, https://arxiv.org/abs/1608.08710). Scales are the better measure
    /// where training pulled them towards zero, as that paper does with a penalty; weight decay does not apply to them here. Of equal
    /// channels the first are kept. Default false.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The ratio is not between 0 and 1, or so small that no channel is removed.</exception>
    /// <exception cref="InvalidOperationException">
    /// The architecture is not one of ResNet, MobileNet, EfficientNet, DenseNet and VGG, the network is of <see cref="FromTorchScript"/> or
    /// has replaced stages, or it is pruned already and not trained yet.
    /// </exception>
    public Backbone Prune(float ratio, bool byBatchNormScale = false) =>
        Prune(ratio, byBatchNormScale ? PruningNorm.BatchNormScale : PruningNorm.Filter);

    internal Backbone Prune(float ratio, PruningNorm norm)
    {
        if (ratio is not (> 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(ratio), ratio, "The share of channels that go must be above 0 and below 1.");
        if (!Enum.IsDefined(norm))
            throw new ArgumentOutOfRangeException(nameof(norm), norm, "There is no such norm.");
        if (Pruning is not null)
            throw new InvalidOperationException(
                $"{this}: it is pruned already. Choose one ratio, or train it and prune Backbone.FromModel of the result.");
        if (Script is not null)
            throw new InvalidOperationException(
                "A TorchScript program runs as a whole: its channels cannot be pruned here. Prune it in Python before the export.");
        if (Changes.FirstOrDefault(change => change.Replacement is not null) is { } own)
            throw new InvalidOperationException(
                $"Stage '{own.Stage}' is replaced by layers of your own, which may read any channel. "
                + "Prune first and call ReplaceStage after it.");
        TorchRuntime.EnsureLoaded();
        if (_architecture.ChannelWidths.Count == 0)
        {
            throw new InvalidOperationException(
                $"{Name} cannot be pruned: its channels meet in sums, concatenations, groups or attention, where none can go alone. "
                    + "Networks that can be: ResNet (not ResNeXt), MobileNetV1 to V3, EfficientNet, DenseNet, VGG.");
        }
        var widths = Widths.Less(ratio, _architecture.ChannelWidths);
        return widths.Equals(Widths)
            ? throw new ArgumentOutOfRangeException(
                nameof(ratio), ratio, $"So small a share takes no channel out of {Name}: a layer keeps a multiple of 8.")
            : this with { Widths = widths, Pruning = new Pruning(ratio, norm, Widths) };
    }

    /// <exception cref="ArgumentException">The network has no such channels.</exception>
    internal ChannelWidths Checked(ChannelWidths widths) => widths.Checked(_architecture);

    /// <summary>
    /// Counts parameters and multiply-adds of this network as configured (pruning, picture size, number of channels). Builds it and runs it
    /// once on a black picture. <see cref="List"/> gives the same for the published networks.
    /// </summary>
    /// <exception cref="InvalidOperationException">The network is of <see cref="FromTorchScript"/> or has replaced stages, whose
    /// multiply-adds are not known.</exception>
    public Info Measure()
    {
        if (Script is not null || Changes.Any(change => change.Replacement is not null))
            throw new InvalidOperationException(
                $"{this}: what {(Script is null ? "layers of your own multiply" : "a TorchScript program multiplies")} is not known here "
                + "and cannot be counted.");
        using var network = CreateEmptyNetwork();
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        using var counter = new MultiplyAddCounter();
        network.eval();
        network.forward(zeros(1, InputChannels, Preprocessing.Size, Preprocessing.Size, Parameters.Type));
        return new Info(Name, network.ParameterCount, counter.Count, Preprocessing.Size, network.Features);
    }
}
