using System.Diagnostics;
using System.Text.Json;

namespace MlNetFineTune.Benchmarks;

/// <summary>A Python process that stays, and does one pass of its work when told: so it can take turns with ours.</summary>
internal sealed class PyTorchPeer : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;

    /// <param name="script">In <c>benchmarks/pytorch</c>. Reads the work from standard input, a line each up to an empty one;
    /// then does a pass for every further line, and prints JSON.</param>
    /// <param name="arguments">Of the script.</param>
    /// <param name="work">Lines.</param>
    public PyTorchPeer(string script, IEnumerable<string> arguments, IEnumerable<string> work)
    {
        var start = PyTorch.StartInfo(script, arguments);
        start.RedirectStandardInput = true;
        _process = PyTorch.Start(start);
        _error = _process.StandardError.ReadToEndAsync();
        foreach (var line in work)
            _process.StandardInput.WriteLine(line);
        _process.StandardInput.WriteLine();
    }

    public JsonElement Pass()
    {
        _process.StandardInput.WriteLine("pass");
        _process.StandardInput.Flush();
        return _process.StandardOutput.ReadLine() is { } line
            ? JsonSerializer.Deserialize<JsonElement>(line)
            : throw new CannotRunException($"PyTorch did not run: {_error.Result.Trim().Split('\n')[^1]}");
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
