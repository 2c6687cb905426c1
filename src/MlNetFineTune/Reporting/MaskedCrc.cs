using System.Numerics;
using MlNetFineTune.MlNet;
using TorchSharp.Utils;

namespace MlNetFineTune.Reporting;

/// <summary>
/// The masked checksum of TFRecord: CRC-32C (RFC 3720 appendix B.4), rotated right by 15 bits, plus 0xa282ead8, because the checksum of
/// data that contain checksums is weak (https://www.tensorflow.org/tutorials/load_data/tfrecord).
/// </summary>
internal static class MaskedCrc
{
    public static uint Of(byte[] bytes)
    {
        TorchRuntime.EnsureLoaded(); // the checksum is computed by native code of TorchSharp
        return BitOperations.RotateRight(CRC32C.process(bytes), 15) + 0xa282ead8;
    }
}
