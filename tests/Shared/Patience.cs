namespace MlNetFineTune.Tests;

/// <summary>
/// How long a test waits for what must happen: so long that a machine under a load of 30 is in time. Only what never happens takes it, and
/// fails.
/// No test requires that something happens quickly; tests of time control the clock (<c>ManualTime</c>).
/// </summary>
internal static class Patience
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>As Playwright counts.</summary>
    public static readonly float Milliseconds = (float)Limit.TotalMilliseconds;

    /// <summary>Asks again and again until it is so.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo, string what)
    {
        for (var start = Environment.TickCount64; !await isSo(); await Task.Delay(20))
        {
            if (Environment.TickCount64 - start > Limit.TotalMilliseconds)
                Assert.Fail($"After {Limit.TotalMinutes} minutes it is still not so that {what}.");
        }
    }
}
