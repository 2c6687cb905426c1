using System.Security.Cryptography;
using System.Text;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Hash of all that features depend on beside the row, under which they are kept.</summary>
internal static class EncoderIdentity
{
    /// <summary>Hash of what computes (this library, its decoder and torch, the device's
    /// kind), what it computes, and its tensors.</summary>
    public static ContentHash Of(Device device, string computation, IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        using var scope = NewDisposeScope();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append($"{typeof(EncoderIdentity).Module.ModuleVersionId} {typeof(SkiaSharp.SKCodec).Assembly.FullName} "
            + $"{typeof(torch).Assembly.FullName} {device.type} {computation}");
        foreach (var (name, tensor) in tensors)
        {
            Append($"{name} {tensor.dtype} [{string.Join(", ", tensor.shape)}]");
            hash.AppendData(tensor.detach().cpu().contiguous().bytes);
        }
        return ContentHash.Take(hash);

        void Append(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + '\n'));
    }
}
