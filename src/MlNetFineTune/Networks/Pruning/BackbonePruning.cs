using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune;

// Fewer channels, and what a network costs with them.
public sealed partial record Backbone
{
    /// <summary>What is left of channels that were pruned, now or before an earlier training.</summary>
    internal ChannelWidths Widths { get; init; } = ChannelWidths.Whole;

    /// <summary>How they go; null where the weights are those of the smaller network already.</summary>
    internal Pruning? Pruning { get; private init; }

    /// <summary>
    /// Takes channels out of the network, the weakest of every layer: a smaller network that computes what the larger one would with these
    /// channels at zero. What that costs is won back by the training that follows, an ordinary one that lets all layers learn:
    /// <c>Backbone.FromModel(model).Prune(0.25f)</c> with <c>Strategy.Full(1)</c>. The model file has the smaller network.
    /// </summary>
    /// <param name="ratio">
    /// The share of channels that go, above 0 and below 1. It is that of the channels inside blocks, which are most of them; those that
    /// blocks add up, the stem's and the features that the head sees stay (MobileNetV1 and VGG add nothing up: there the features alone
    /// stay). What is left of a layer is the nearest multiple of 8, and at least 8. Multiply-adds fall by a little less than this share
    /// where one side of the convolutions is pruned (MobileNetV2), by more where both are (MobileNetV1).
    /// </param>
    /// <param name="byBatchNormScale">
    /// Whether the channels of a layer are ranked by the absolute scale of their BatchNorm, where a depthwise convolution follows added to
    /// that of its BatchNorm (Liu et al. 2017, https://arxiv.org/abs/1708.06519), rather than by the sum of the absolute weights of the
    /// filter that makes the channel (Li et al. 2017, section 3.1, https://arxiv.org/abs/1608.08710). A scale says more where training
    /// pulled scales towards zero, as that paper does with a penalty; here weight decay leaves them alone. Of equal ones the first stay.
    /// Default false.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The ratio is not between 0 and 1, or so small that nothing goes.</exception>
    /// <exception cref="InvalidOperationException">
    /// The network is of another family than ResNet, MobileNet, EfficientNet, DenseNet and VGG, is of <see cref="FromTorchScript"/>, has
    /// stages of your own, or is pruned already and not trained yet.
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
            throw new InvalidOperationException($"{this}: it is pruned already. Choose one ratio, or train it and prune Backbone.FromModel of the result.");
        if (Script is not null)
            throw new InvalidOperationException("A TorchScript program runs as a whole: its channels cannot be pruned here. Prune it in Python before the export.");
        if (Changes.FirstOrDefault(change => change.Replacement is not null) is { } own)
            throw new InvalidOperationException($"Stage '{own.Stage}' is replaced by layers of your own, which may read any channel. Prune first and call ReplaceStage after it.");
        TorchRuntime.EnsureLoaded();
        if (_family.ChannelWidths.Count == 0)
        {
            throw new InvalidOperationException(
                $"{Name} cannot be pruned: its channels meet in sums, concatenations, groups or attention, where none can go alone. Networks that can be: ResNet (not ResNeXt), MobileNetV1 to V3, EfficientNet, DenseNet, VGG.");
        }
        var widths = Widths.Less(ratio, _family.ChannelWidths);
        return widths.Equals(Widths)
            ? throw new ArgumentOutOfRangeException(nameof(ratio), ratio, $"So small a share takes no channel out of {Name}: a layer keeps a multiple of 8.")
            : this with { Widths = widths, Pruning = new Pruning(ratio, norm, Widths) };
    }

    /// <exception cref="ArgumentException">The network has no such channels.</exception>
    internal ChannelWidths Checked(ChannelWidths widths) => widths.Checked(_family);

    /// <summary>
    /// What this network costs as it is described here: pruned, or with pictures of another size or other channels. <see cref="List"/> says
    /// it of the published ones. Builds it and runs it once, on a black picture.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The network is of <see cref="FromTorchScript"/> or has stages of your own: nobody counts what those multiply.
    /// </exception>
    public Info Measure()
    {
        if (Script is not null || Changes.Any(change => change.Replacement is not null))
            throw new InvalidOperationException($"{this}: what {(Script is null ? "layers of your own multiply" : "a TorchScript program multiplies")} is not known here and cannot be counted.");
        using var network = CreateEmptyNetwork();
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        using var counter = new MultiplyAddCounter();
        network.eval();
        network.forward(zeros(1, InputChannels, Preprocessing.Size, Preprocessing.Size, Parameters.Type));
        return new Info(Name, network.ParameterCount, counter.Count, Preprocessing.Size, network.Features);
    }
}
