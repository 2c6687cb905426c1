using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.Support;

/// <summary>Runs around every test of the assembly; a test does nothing for it.</summary>
[TestClass]
public sealed class EveryTestIsALeakTest
{
    private static TensorLeakCheck? s_check;

    // Where one test has leaked, the others may, and are not all waited for.
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
        // A test that failed half-way has disposed nothing, and its own failure is what matters.
        if (context.CurrentTestOutcome == UnitTestOutcome.Passed)
        {
            var grace = s_grace;
            s_grace = TimeSpan.FromSeconds(1);
            s_check?.Verify(grace, MiscountedTensors.Take());
            s_grace = grace;
        }
    }
}
