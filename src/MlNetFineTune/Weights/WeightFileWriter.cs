using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>Writes a file of weights in the format that its extension says.</summary>
internal static class WeightFileWriter
{
    /// <exception cref="ArgumentException">The extension says nothing.</exception>
    public static void Write(string path, IReadOnlyList<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case ".safetensors":
                SafeTensorsWriter.WriteFile(path, tensors, metadata);
                break;
            case ".pth" or ".pt" or ".bin":
                AtomicFile.Write(path, stream => StateDictionaryWriter.Write(stream, tensors, metadata));
                break;
            default:
                throw new ArgumentException($"The extension of '{Path.GetFileName(path)}' says no format: "
                    + "use .safetensors, or .pth for a state dictionary of PyTorch.", nameof(path));
        }
    }
}
