using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MlNetFineTune.Tests.Support;

/// <summary>A request.</summary>
internal sealed record Asked(string Path, IReadOnlyDictionary<string, string> Headers)
{
    public string? Header(string name) => Headers.GetValueOrDefault(name.ToLowerInvariant());

    /// <summary>The first requested byte; null for the whole file.</summary>
    public long? From => Header("Range") is { } range
        ? long.Parse(range["bytes=".Length..^1], System.Globalization.CultureInfo.InvariantCulture)
        : null;
}

/// <summary>A response, correct or faulty.</summary>
internal sealed record Answer(int Status, byte[] Body)
{
    public Dictionary<string, string> Headers { get; init; } = [];

    /// <summary>Value of Content-Length; null for the correct one.</summary>
    public long? DeclaredLength { get; init; }

    /// <summary>No Content-Length: the body ends with the connection.</summary>
    public bool UntilClosed { get; init; }

    public bool Chunked { get; init; }

    /// <summary>The connection is reset after so many bytes of the body.</summary>
    public int? DropAfter { get; init; }

    /// <summary>Nothing more is sent after so many bytes, and the connection stays open.</summary>
    public int? StallAfter { get; init; }

    /// <summary>The body is sent over and over.</summary>
    public bool Endless { get; init; }

    /// <summary>Set when that much is sent; the server then waits for <see cref="GoOn"/>.</summary>
    public (int After, TaskCompletionSource Reached, TaskCompletionSource GoOn)? Pause { get; init; }

    public static Answer Of(int status, params (string Name, string Value)[] headers) =>
        new(status, Encoding.UTF8.GetBytes($"status {status}"))
        {
            Headers = headers.ToDictionary(header => header.Name, header => header.Value),
        };

    /// <summary>A file, or its requested range, as specified by RFC 9110.</summary>
    public static Answer File(Asked asked, byte[] content, string? etag = "\"one\"", params (string Name, string Value)[] headers)
    {
        var all = headers.ToDictionary(header => header.Name, header => header.Value);
        if (etag is not null)
            all["ETag"] = etag;
        if (asked.From is not { } from || (asked.Header("If-Range") is { } condition && condition != etag))
            return new Answer(200, content) { Headers = all };
        if (from >= content.Length)
            return new Answer(416, []) { Headers = { ["Content-Range"] = $"bytes */{content.Length}" } };
        all["Content-Range"] = $"bytes {from}-{content.Length - 1}/{content.Length}";
        return new Answer(206, content[(int)from..]) { Headers = all };
    }
}

/// <summary>
/// A minimal web server on 127.0.0.1, with one connection for each request, that can violate the protocol. Stops with the test.
/// </summary>
internal sealed class LoopbackServer : IDisposable
{
    private const int MaximumRequests = 500;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<Asked> _requests = new();
    private readonly Func<Asked, Answer> _answer;

    public LoopbackServer(Func<Asked, Answer> answer)
    {
        _answer = answer;
        _listener.Start();
        _ = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Address => $"http://127.0.0.1:{Port}/";

    /// <summary>The same server under another host's name.</summary>
    public string OtherHost => $"http://localhost:{Port}/";

    public IReadOnlyList<Asked> Requests => [.. _requests];

    public void Dispose()
    {
        _end.Cancel();
        _listener.Stop();
    }

    private async Task AcceptAsync()
    {
        for (var i = 0; i < MaximumRequests && !_end.IsCancellationRequested; i++)
        {
            TcpClient client;
            try
            {
                client = await _listener.AcceptTcpClientAsync(_end.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            _ = Task.Run(() => ServeAsync(client));
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                using var stream = client.GetStream();
                if (await ReadRequestAsync(stream) is not { } asked)
                    return;
                _requests.Enqueue(asked);
                await SendAsync(client, stream, _answer(asked));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The client has closed the connection, or the test has ended.
            }
        }
    }

    private async Task<Asked?> ReadRequestAsync(NetworkStream stream)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && text.Length < 16384)
        {
            if (await stream.ReadAsync(one, _end.Token) == 0)
                return null;
            text.Append((char)one[0]);
        }
        var lines = text.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0].ToLowerInvariant(), pair => pair[1]);
        return new Asked(lines[0].Split(' ')[1], headers);
    }

    // Lets what was sent arrive: a reset would overtake it. Linux says how much the other side has not acknowledged (tcp(7), TCP_INFO:
    // tcpi_unacked
    // and tcpi_notsent_bytes); elsewhere a moment must do.
    private async Task ArrivedAsync(Socket socket)
    {
        const int Tcp = 6, TcpInfo = 11, Unacknowledged = 24, NotSent = 144;
        if (!OperatingSystem.IsLinux())
        {
            await Task.Delay(500, _end.Token);
            return;
        }
        var info = new byte[NotSent + 4];
        do
        {
            await Task.Delay(10, _end.Token);
            Assert.AreEqual(info.Length, socket.GetRawSocketOption(Tcp, TcpInfo, info));
        }
        while (BitConverter.ToUInt32(info, Unacknowledged) != 0 || BitConverter.ToUInt32(info, NotSent) != 0);
    }

    private async Task SendAsync(TcpClient client, NetworkStream stream, Answer answer)
    {
        var head = new StringBuilder($"HTTP/1.1 {answer.Status} Status\r\nConnection: close\r\n");
        foreach (var (name, value) in answer.Headers)
            head.Append($"{name}: {value}\r\n");
        if (answer.Chunked)
            head.Append("Transfer-Encoding: chunked\r\n");
        else if (!answer.UntilClosed)
            head.Append($"Content-Length: {answer.DeclaredLength ?? answer.Body.Length}\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), _end.Token);

        var sent = 0;
        do
        {
            for (var at = 0; at < answer.Body.Length;)
            {
                var stop = new[] { answer.DropAfter, answer.StallAfter, answer.Pause?.After }.Where(limit => limit > sent).Min()
                    ?? int.MaxValue;
                var count = Math.Min(Math.Min(answer.Body.Length - at, 8192), stop - sent);
                if (answer.Chunked)
                    await stream.WriteAsync(Encoding.ASCII.GetBytes($"{count:x}\r\n"), _end.Token);
                await stream.WriteAsync(answer.Body.AsMemory(at, count), _end.Token);
                if (answer.Chunked)
                    await stream.WriteAsync("\r\n"u8.ToArray(), _end.Token);
                at += count;
                sent += count;
                if (answer.Pause is { } pause && sent == pause.After)
                {
                    pause.Reached.TrySetResult();
                    await pause.GoOn.Task.WaitAsync(_end.Token);
                }
                if (sent == answer.StallAfter)
                    await Task.Delay(Timeout.Infinite, _end.Token);
                if (sent == answer.DropAfter)
                {
                    await ArrivedAsync(client.Client);
                    client.LingerState = new LingerOption(true, 0);
                    return;
                }
            }
        }
        while (answer.Endless);
        if (answer.Chunked)
            await stream.WriteAsync("0\r\n\r\n"u8.ToArray(), _end.Token);
    }
}
