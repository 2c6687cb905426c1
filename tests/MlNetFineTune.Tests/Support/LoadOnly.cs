namespace MlNetFineTune.Tests.Support;

/// <summary>The process of tests/MlNetFineTune.LoadOnly, with the tests' own dependencies.</summary>
internal static class LoadOnly
{
    /// <returns>What it printed.</returns>
    public static string Run(params IEnumerable<string> arguments)
    {
        var beside = Path.Combine(AppContext.BaseDirectory, "MlNetFineTune.Tests");
        return DotNet.Run(["exec", "--depsfile", beside + ".deps.json", "--runtimeconfig", beside + ".runtimeconfig.json", Path.Combine(AppContext.BaseDirectory, "MlNetFineTune.LoadOnly.dll"), .. arguments]);
    }
}
