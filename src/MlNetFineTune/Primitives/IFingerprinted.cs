namespace MlNetFineTune.Primitives;

/// <summary>Says itself what stands for it in fingerprints: what a user derives from, whose fields are his own business.</summary>
internal interface IFingerprinted
{
    object Fingerprint { get; }
}
