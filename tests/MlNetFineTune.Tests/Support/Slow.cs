namespace MlNetFineTune.Tests.Support;

internal static class Slow
{
    /// <summary>The first line of a test that takes minutes.</summary>
    public static void RequireOrSkip()
    {
        if (Environment.GetEnvironmentVariable("MLNETFINETUNE_SLOW") != "1")
            Assert.Inconclusive("It takes minutes: set MLNETFINETUNE_SLOW=1.");
    }
}
