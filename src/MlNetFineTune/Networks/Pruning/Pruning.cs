using System.Globalization;

namespace MlNetFineTune.Networks;

/// <summary>
/// Removal of channels after the weights are loaded. Every group loses the same share, the channels of smallest norm (Li et al. 2017,
/// https://arxiv.org/abs/1608.08710): norms of different layers are not compared, since BatchNorm makes a layer's scale arbitrary, and so
/// the widths are known before the weights. All norms are computed before any channel is removed (section 3.4 there, independent).
/// </summary>
/// <param name="Ratio">Share of channels to remove, above 0 and below 1.</param>
/// <param name="Norm">The norm by which channels are ranked.</param>
/// <param name="Before">Widths of the network to which the weights belong.</param>
internal sealed record Pruning(float Ratio, Backbone.PruningNorm Norm, ChannelWidths Before)
{
    /// <summary>A description for the log.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"pruned by {100 * Ratio:0.##} %");

    /// <summary>Leaves the channels with the greatest norms, in their order.</summary>
    /// <param name="network">The network with its weights, of widths <see cref="Before"/>.</param>
    /// <param name="widths">Widths after pruning.</param>
    public void Apply(BackboneNetwork network, ChannelWidths widths)
    {
        var groups = network.ChannelGroups().Where(group => widths.Pruned!.ContainsKey(group.Name))
            .Select(group => (group.Channels, Kept: Strongest(group.Channels.Norms(Norm), widths.Pruned![group.Name]))).ToList();
        foreach (var (channels, kept) in groups)
            channels.Keep(kept);
    }

    /// <summary>Ascending; of equal ones the first.</summary>
    internal static long[] Strongest(double[] norms, int count) =>
        [.. norms.Index().OrderByDescending(channel => channel.Item).ThenBy(channel => channel.Index).Take(count)
            .Select(channel => (long)channel.Index).Order()];
}
