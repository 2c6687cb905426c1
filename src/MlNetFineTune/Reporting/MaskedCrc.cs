using System.Numerics;

namespace MlNetFineTune.Reporting;

/// <summary>
/// CRC-32C (Castagnoli's polynomial, RFC 3720 appendix B.4), and TFRecord's masked form of it: turned right by 15 bits, plus 0xa282ead8, because a checksum of data that
/// hold their own checksum is weak (https://www.tensorflow.org/tutorials/load_data/tfrecord).
/// </summary>
internal static class MaskedCrc
{
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    public static uint Of(ReadOnlySpan<byte> bytes) => BitOperations.RotateRight(Crc(bytes), 15) + 0xa282ead8;
}
