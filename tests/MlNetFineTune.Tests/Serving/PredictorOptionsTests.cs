using System.Globalization;

namespace MlNetFineTune.Tests.Serving;

[TestClass]
public sealed class PredictorOptionsTests
{
    [TestMethod]
    public void TheDefaultsAre()
    {
        var before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = new CultureInfo("de-DE");
        try
        {
            Assert.AreEqual("MaxBatchSize = the model's, MaxDelay = 5 ms, QueueCapacity = 256, Workers = 2",
                new PredictorOptions().ToString());
            Assert.AreEqual("MaxBatchSize = 8, MaxDelay = 2.5 ms, QueueCapacity = 1, Workers = 3",
                new PredictorOptions { MaxBatchSize = 8, MaxDelay = TimeSpan.FromMilliseconds(2.5), QueueCapacity = 1, Workers = 3 }
                .ToString());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [TestMethod]
    public void WhatCannotBeIsRefusedWhereItIsSet()
    {
        StringAssert.Contains(Assert.Throws<ArgumentOutOfRangeException>(() => new PredictorOptions { MaxBatchSize = 0 }).Message,
            "at least 1 row");
        StringAssert.Contains(Assert.Throws<ArgumentOutOfRangeException>(() => new PredictorOptions { QueueCapacity = 0 }).Message,
            "at least 1 row");
        StringAssert.Contains(Assert.Throws<ArgumentOutOfRangeException>(() => new PredictorOptions { Workers = 0 }).Message,
            "at least 1 worker");
        foreach (var delay in (TimeSpan[])[TimeSpan.FromTicks(-1), TimeSpan.FromMinutes(1) + TimeSpan.FromTicks(1)])
            StringAssert.Contains(Assert.Throws<ArgumentOutOfRangeException>(() => new PredictorOptions { MaxDelay = delay }).Message,
                "from zero to 00:01:00");
    }
}
