namespace MlNetFineTune.Primitives;

/// <summary>Supplies its own representation in fingerprints; for types that users derive from, whose fields cannot be read.</summary>
internal interface IFingerprinted
{
    object Fingerprint { get; }
}
