using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.Support;

/// <summary>Runs around every test of the assembly.</summary>
[TestClass]
public sealed class EveryTestIsALeakTest
{
    private static TensorLeakCheck? s_check;

    // After one leak others are likely, and they are not all waited for.
    private static TimeSpan s_grace = TimeSpan.FromMinutes(1);

    [GlobalTestInitialize]
    public static void CountTensors(TestContext context)
    {
        TorchRuntime.EnsureLoaded();
        s_check = new TensorLeakCheck();
    }

    [GlobalTestCleanup]
    public static void CountTensorsAgain(TestContext context)
    {
        // A failed test may not have disposed its objects; only its own failure is reported.
        if (context.CurrentTestOutcome == UnitTestOutcome.Passed)
        {
            var grace = s_grace;
            s_grace = TimeSpan.FromSeconds(1);
            s_check?.Verify(grace, MiscountedTensors.Take());
            s_grace = grace;
        }
    }
}
