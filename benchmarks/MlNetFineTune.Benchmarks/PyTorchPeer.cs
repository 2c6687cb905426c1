using System.Diagnostics;
using System.Text.Json;

namespace MlNetFineTune.Benchmarks;

/// <summary>A Python process that runs one pass of its work per request, so that passes can alternate with those of the library.</summary>
internal sealed class PyTorchPeer : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;

    /// <param name="script">
    /// A script in <c>benchmarks/pytorch</c>. It reads work items from standard input, one per line up to an empty line, then runs a pass
    /// for every further line and prints JSON.
    /// </param>
    /// <param name="arguments">Arguments of the script.</param>
    /// <param name="work">The work items.</param>
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
