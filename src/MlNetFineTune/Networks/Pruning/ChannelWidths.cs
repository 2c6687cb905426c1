using MlNetFineTune.Primitives;

namespace MlNetFineTune.Networks;

/// <summary>How many channels are left of groups that were pruned, by the names of the convolutions that make them.
/// Whole groups are not in it. Two of the same are equal.</summary>
internal sealed class ChannelWidths(IEnumerable<KeyValuePair<string, int>> pruned) : IEquatable<ChannelWidths>
{
    private readonly SortedDictionary<string, int> _pruned = new(pruned.ToDictionary(), StringComparer.Ordinal);

    // Vector units and the kernels written for them take channels by eights; MobileNets' widths are rounded in the same way.
    private const int Multiple = 8;

    public static ChannelWidths Whole { get; } = new([]);

    /// <summary>Width of each pruned group by name; null where none is pruned.</summary>
    public IReadOnlyDictionary<string, int>? Pruned => _pruned.Count > 0 ? _pruned : null;

    /// <summary>Every group without this share of its channels: the nearest multiple of 8 stays, and 8 at least.</summary>
    /// <param name="ratio">Share of channels to remove, above 0 and below 1.</param>
    /// <param name="original">Widths of the network as it was published.</param>
    public ChannelWidths Less(float ratio, IReadOnlyDictionary<string, int> original) => new(original
        .Select(group => KeyValuePair.Create(group.Key, Less(ratio, _pruned.GetValueOrDefault(group.Key, group.Value))))
        .Where(group => group.Value < original[group.Key]));

    /// <summary>Gives a network that is whole these widths; which channels stay does not matter yet.</summary>
    public void ApplyTo(BackboneNetwork network)
    {
        foreach (var (name, group) in _pruned.Count > 0 ? network.ChannelGroups() : [])
        {
            if (_pruned.TryGetValue(name, out var width))
                group.Keep([.. Enumerable.Range(0, width).Select(channel => (long)channel)]);
        }
    }

    /// <exception cref="ArgumentException">The network has no such channels.</exception>
    public ChannelWidths Checked(Architecture architecture)
    {
        foreach (var (name, width) in _pruned)
        {
            if (!architecture.ChannelWidths.TryGetValue(name, out var whole))
                throw new ArgumentException($"{architecture.Name} has no channels of '{name}' that can be pruned.");
            if (width < 1 || width >= whole)
                throw new ArgumentException($"The channels of '{name}' in {architecture.Name} cannot have been pruned to {width}: "
                    + $"there are {whole}.");
        }
        return this;
    }

    public bool Equals(ChannelWidths? other) => other is not null && other._pruned.SequenceEqual(_pruned);

    public override bool Equals(object? obj) => Equals(obj as ChannelWidths);

    public override int GetHashCode() => _pruned.Count;

    private static int Less(float ratio, int width)
    {
        var nearest = (int)Math.Round(width * (1.0 - ratio) / Multiple, MidpointRounding.AwayFromZero) * Multiple;
        return Math.Min(Math.Max(nearest, Multiple), width);
    }
}
