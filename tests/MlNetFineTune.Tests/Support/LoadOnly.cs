namespace MlNetFineTune.Tests.Support;

/// <summary>The process of tests/MlNetFineTune.LoadOnly, with the tests' own dependencies.</summary>
internal static class LoadOnly
{
    /// <returns>What it printed.</returns>
    public static string Run(params IEnumerable<string> arguments) =>
        DotNet.Run(DotNet.WithTestDependencies("MlNetFineTune.LoadOnly", arguments));
}
