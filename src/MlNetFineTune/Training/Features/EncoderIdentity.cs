using System.Security.Cryptography;
using System.Text;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The cache key of features: a hash of everything except the row on which they depend.</summary>
internal static class EncoderIdentity
{
    /// <summary>Hash of the software (this library, its decoder, torch), the kind of device, the computation, and its tensors.</summary>
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
