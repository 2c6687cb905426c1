using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PhotoDesk;

/// <summary>
/// Assignment of a photo to training, validation or test. It depends only on the content, so that it never changes, also for duplicates and
/// corrections.
/// </summary>
internal enum PhotoSide
{
    /// <summary>Used for training.</summary>
    Training,

    /// <summary>Used to select the best epoch and to fit temperature and reject thresholds.</summary>
    Validation,

    /// <summary>Used to compare models only, never for training.</summary>
    HeldOut,
}

internal static class PhotoSides
{
    public static byte[] HashOf(ReadOnlySpan<byte> content) => SHA256.HashData(content);

    /// <summary>20 % are held out, and 15 % are for validation.</summary>
    /// <param name="hash">Hash of the content.</param>
    public static PhotoSide Of(ReadOnlySpan<byte> hash) => (BinaryPrimitives.ReadUInt64BigEndian(hash) % 100) switch
    {
        < 20 => PhotoSide.HeldOut,
        < 35 => PhotoSide.Validation,
        _ => PhotoSide.Training,
    };
}
