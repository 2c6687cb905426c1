namespace MlNetFineTune.Tests.Support;

/// <summary>Environment variables for the length of a test. Tests do not run in parallel.</summary>
internal sealed class Variables : IDisposable
{
    private readonly (string Name, string? Before)[] _before;

    public Variables(params (string Name, string? Value)[] variables)
    {
        _before = [.. variables.Select(variable => (variable.Name, Environment.GetEnvironmentVariable(variable.Name)))];
        foreach (var (name, value) in variables)
            Environment.SetEnvironmentVariable(name, value);
    }

    public void Dispose()
    {
        foreach (var (name, value) in _before)
            Environment.SetEnvironmentVariable(name, value);
    }
}
