namespace MlNetFineTune.Tests.Support;

/// <summary>Tests of minutes run when they are asked for.</summary>
internal static class Endurance
{
    public const string Variable = "MLNETFINETUNE_ENDURANCE";

    public static void RequireOrSkip()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 })
            Assert.Inconclusive($"Takes minutes. Set {Variable} to 1 to run it.");
    }
}
