namespace MlNetFineTune.Primitives;

/// <summary>
/// Excludes a property or field from fingerprints. All others are included, so that an option cannot be forgotten.
/// </summary>
/// <param name="reason">Why the trained weights do not depend on it, or which other value represents it.</param>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
internal sealed class NotInFingerprintAttribute(string reason) : Attribute
{
    public string Reason => reason;
}
