using TorchSharp;

namespace MlNetFineTune.Tests.Support;

internal static class Cuda
{
    public static void RequireOrSkip()
    {
        if (!torch.cuda.is_available())
            Assert.Inconclusive(
                "There is no CUDA device, or the build has no CUDA libraries (build with -p:LibTorch=cuda-linux or "
                + "-p:LibTorch=cuda-windows).");
    }
}
