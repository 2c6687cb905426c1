using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PhotoDesk;

/// <summary>What a photo is for. Its content decides, so it never changes sides: not when it is sent twice, corrected,
/// or learned from again later.</summary>
internal enum PhotoSide
{
    /// <summary>Models learn from it.</summary>
    Training,

    /// <summary>Chooses the best epoch, and fits temperature and reject thresholds.</summary>
    Validation,

    /// <summary>Compares models. No model has learned from it, or ever will.</summary>
    HeldOut,
}

internal static class PhotoSides
{
    public static byte[] HashOf(ReadOnlySpan<byte> content) => SHA256.HashData(content);

    /// <summary>A fifth is held out, and three twentieths validate.</summary>
    /// <param name="hash">Of the content.</param>
    public static PhotoSide Of(ReadOnlySpan<byte> hash) => (BinaryPrimitives.ReadUInt64BigEndian(hash) % 100) switch
    {
        < 20 => PhotoSide.HeldOut,
        < 35 => PhotoSide.Validation,
        _ => PhotoSide.Training,
    };
}
