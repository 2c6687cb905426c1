using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.Support;

/// <summary>Runs around every test of the assembly; a test does nothing for it.</summary>
[TestClass]
public sealed class EveryTestIsALeakTest
{
    private static TensorLeakCheck? s_check;

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
            s_check?.Verify(MiscountedTensors.Take());
    }
}
