using System.Globalization;

namespace MlNetFineTune.Networks;

/// <summary>
/// Channels that are to go once the weights are there. Every group loses the same share, its weakest by norm (Li et al. 2017, https://arxiv.org/abs/1608.08710): norms of different layers are
/// not compared, since BatchNorm makes a layer's scale arbitrary, and so the widths are known before the weights are. All norms are taken before any channel goes (section 3.4 there, independent).
/// </summary>
/// <param name="Ratio">The share, above 0 and below 1.</param>
/// <param name="Norm">By which they are ranked.</param>
/// <param name="Before">Widths of the network that the weights are of.</param>
internal sealed record Pruning(float Ratio, Backbone.PruningNorm Norm, ChannelWidths Before)
{
    /// <summary>For the log.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"pruned by {100 * Ratio:0.##} %");

    /// <summary>Leaves the channels with the greatest norms, in their order.</summary>
    /// <param name="network">Of widths <see cref="Before"/>, with its weights.</param>
    /// <param name="widths">What is to be left.</param>
    public void Apply(BackboneNetwork network, ChannelWidths widths)
    {
        var groups = network.ChannelGroups().Where(group => widths.Pruned!.ContainsKey(group.Name)).Select(group => (group.Channels, Kept: Strongest(group.Channels.Norms(Norm), widths.Pruned![group.Name]))).ToList();
        foreach (var (channels, kept) in groups)
            channels.Keep(kept);
    }

    /// <summary>Ascending; of equal ones the first.</summary>
    internal static long[] Strongest(double[] norms, int count) =>
        [.. norms.Index().OrderByDescending(channel => channel.Item).ThenBy(channel => channel.Index).Take(count).Select(channel => (long)channel.Index).Order()];
}
