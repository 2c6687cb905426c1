namespace MlNetFineTune.Primitives;

/// <summary>
/// Leaves a property or field out of fingerprints. Whatever does not say so is in them, so that an option cannot be forgotten.
/// </summary>
/// <param name="reason">Why the trained weights do not depend on it, or which other value represents it.</param>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
internal sealed class NotInFingerprintAttribute(string reason) : Attribute
{
    public string Reason => reason;
}
