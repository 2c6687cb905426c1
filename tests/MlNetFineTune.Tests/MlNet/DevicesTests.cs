using Microsoft.ML;
using MlNetFineTune.Tests.Support;
using TorchSharp;

namespace MlNetFineTune.Tests.MlNet;

[TestClass]
public sealed class DevicesTests
{
    [TestMethod]
    public void WithoutAGpuFallbackToCpuGoesOnAndLogsWhy()
    {
        SkipWhereThereIsAGpu();
        var ml = new MLContext { GpuDeviceId = 0, FallbackToCpu = true };
        var log = new LogLines(ml);

        using var model = SmallTraining.Fit(ml, SmallTraining.Options with { Epochs = 1 }, SmallPictures.Take(2));
        using var loaded = SmallTraining.LoadModel(ml);

        Assert.AreEqual(
            2, log.Warnings.Count(line => line.StartsWith("Device: CPU", StringComparison.Ordinal) && line.Contains("GpuDeviceId is 0")
                && line.Contains("no CUDA device")), log.ToString());
    }

    [TestMethod]
    public void WithoutAGpuAndWithoutFallbackTrainingAndLoadingFail()
    {
        SkipWhereThereIsAGpu();
        SmallTraining.LoadModel(new MLContext()).Dispose();
        var ml = new MLContext { GpuDeviceId = 0, FallbackToCpu = false };

        var training = Assert.Throws<InvalidOperationException>(() => SmallTraining.Fit(ml, SmallTraining.Options, SmallPictures.Take(2)));
        var loading = Assert.Throws<Exception>(() => SmallTraining.LoadModel(ml)).GetBaseException();

        foreach (var error in (Exception[])[training, loading])
        {
            StringAssert.Contains(error.Message, "GpuDeviceId is 0");
            StringAssert.Contains(error.Message, "Set MLContext.FallbackToCpu to true");
        }
    }

    private static void SkipWhereThereIsAGpu()
    {
        if (torch.cuda.is_available())
            Assert.Inconclusive("There is a CUDA device here.");
    }
}
