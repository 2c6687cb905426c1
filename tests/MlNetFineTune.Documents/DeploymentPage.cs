using Microsoft.ML;

namespace MlNetFineTune.Documents;

/// <summary>Code of docs/deployment.md.</summary>
internal static class DeploymentPage
{
    public static MLContext OnAGpu()
    {
        var ml = new MLContext(seed: 1) { GpuDeviceId = 0, FallbackToCpu = true };
        return ml;
    }
}
