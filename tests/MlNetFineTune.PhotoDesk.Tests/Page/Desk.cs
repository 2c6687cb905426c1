using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MlNetFineTune.PhotoDesk.Tests.Page;

/// <summary>The program in a process of its own. Its address and its data outlive it, so that it can be killed and started again.</summary>
internal sealed class Desk : IDisposable
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("photodesk-");
    private readonly string[] _options;
    private readonly StringBuilder _output = new();
    private Process? _process;

    /// <summary>Started, and healthy.</summary>
    /// <param name="options">Of the program, such as <c>--PhotoDesk:Epochs=2</c>.</param>
    public Desk(params string[] options)
    {
        Chromium.FindOrSkip(); // before seconds are spent
        _options = options;
        Url = $"http://127.0.0.1:{FreePort()}/";
        Start();
    }

    public string Url { get; }

    public void Start()
    {
        var shared = Path.GetDirectoryName(typeof(object).Assembly.Location)!; // <dotnet>/shared/Microsoft.NETCore.App/<version>
        var host = Path.Combine(shared, "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "PhotoDesk.dll"), "--urls", Url, "--data", _data.FullName,
            .. _options];
        _process = Process.Start(new ProcessStartInfo(host, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        WaitUntilHealthy();
    }

    /// <summary>As the system kills a process: without a word.</summary>
    public void Kill()
    {
        _process!.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }

    public void Dispose()
    {
        if (_process is not null)
            Kill();
        _data.Delete(recursive: true);
    }

    private void WaitUntilHealthy()
    {
        using var client = new HttpClient();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Patience.Limit && !_process!.HasExited; Thread.Sleep(100))
        {
            try
            {
                if (client.GetAsync(Url + "health").GetAwaiter().GetResult().IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
        }
        lock (_output)
            Assert.Fail($"PhotoDesk did not become healthy.\n{_output}");
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
            _output.AppendLine(line.Data);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
