using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MlNetFineTune.PhotoDesk.Tests.Server;

/// <summary>An upload over a raw socket with controlled content and timing.</summary>
internal sealed class SlowUpload : IDisposable
{
    private readonly TcpClient _client = new();

    /// <summary>Has sent the head of a request with a body of a million bytes, and the given number of bytes of the body.</summary>
    public static async Task<SlowUpload> BeginAsync(Uri desk, int bytes)
    {
        const string Part = "--x\r\nContent-Disposition: form-data; name=\"photos\"; filename=\"a.jpg\"\r\n\r\n";
        var upload = new SlowUpload();
        await upload._client.ConnectAsync(desk.Host, desk.Port);
        var head = string.Create(CultureInfo.InvariantCulture,
            $"POST /api/photos HTTP/1.1\r\nHost: {desk.Authority}\r\nX-PhotoDesk: 1\r\nContent-Type: multipart/form-data; "
                + $"boundary=x\r\nContent-Length: 1000000\r\n\r\n{Part}");
        await upload._client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
        await upload.SendAsync(bytes);
        return upload;
    }

    public async Task SendAsync(int bytes) => await _client.GetStream().WriteAsync(new byte[bytes]);

    /// <summary>Sends three hundred bytes again and again until an answer comes.</summary>
    /// <returns>Its first line; empty where the connection ends without one.</returns>
    public async Task<string> TrickleAsync()
    {
        var answer = Task.Run(async () =>
        {
            try
            {
                return await new StreamReader(_client.GetStream()).ReadLineAsync() ?? "";
            }
            catch (IOException)
            {
                return "";
            }
        });
        await Patience.UntilAsync(async () =>
        {
            try
            {
                if (!answer.IsCompleted)
                    await SendAsync(300);
                return answer.IsCompleted;
            }
            catch (IOException)
            {
                return true;
            }
        }, "the upload is answered");
        return await answer.WaitAsync(Patience.Limit);
    }

    public void Dispose() => _client.Dispose();
}
