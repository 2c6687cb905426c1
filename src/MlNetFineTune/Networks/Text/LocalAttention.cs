namespace MlNetFineTune.Networks;

/// <summary>Which tokens a layer's tokens attend to.</summary>
internal enum AttentionSpan
{
    /// <summary>All tokens.</summary>
    Global,

    /// <summary>Those near it.</summary>
    Local,
}

/// <summary>ModernBERT's layers, of which some attend to all tokens and others to those near by; each kind has its own rotations.</summary>
/// <param name="Spans">The span of each layer.</param>
/// <param name="HasFirstNorm">
/// Whether the first layer normalises before its attention. The published first layers do not; others do that become first when layers are
/// left out.
/// </param>
/// <param name="Reach">Distance of the farthest tokens that a token of a local layer attends to.</param>
/// <param name="GlobalTheta">Base of the rotations in global layers; see <see cref="RotaryPositions"/>.</param>
/// <param name="LocalTheta">Base of the rotations in local layers.</param>
internal sealed record LocalAttention(AttentionSpan[] Spans, bool HasFirstNorm, int Reach, double GlobalTheta, double LocalTheta)
{
    /// <summary>That of a network with some of the layers.</summary>
    /// <param name="layers">Their indices, ascending.</param>
    public LocalAttention Keep(IReadOnlyList<int> layers) => this with
    {
        Spans = [.. layers.Select(layer => Spans[layer])],
        HasFirstNorm = HasFirstNorm || layers[0] > 0,
    };

    /// <returns>This form.</returns>
    /// <param name="layers">Number of layers.</param>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public LocalAttention Checked(int layers)
    {
        if (Spans.Length != layers || !Array.TrueForAll(Spans, Enum.IsDefined))
        {
            throw new ArgumentException(
                FormattableString.Invariant($"it says of {Spans.Length} layers how far they see, and has {layers}"));
        }
        if (Reach is < 1 or > TextConfig.MostPositions)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"its local attention reaches {Reach} tokens, and 1 to {TextConfig.MostPositions} are ")
                + "possible");
        }
        return IsBase(GlobalTheta) && IsBase(LocalTheta) ? this
            : throw new ArgumentException(
                FormattableString.Invariant($"its bases of rotary positions are {GlobalTheta} and {LocalTheta}, and 1 to 1e12 are ")
                + "possible");

        static bool IsBase(double theta) => theta is >= 1 and <= 1e12;
    }

    public bool Equals(LocalAttention? other) => other is not null && Spans.AsSpan().SequenceEqual(other.Spans)
        && (HasFirstNorm, Reach, GlobalTheta, LocalTheta) == (other.HasFirstNorm, other.Reach, other.GlobalTheta, other.LocalTheta);

    public override int GetHashCode() => HashCode.Combine(Spans.Length, HasFirstNorm, Reach, GlobalTheta, LocalTheta);
}
