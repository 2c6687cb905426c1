using System.Collections.Concurrent;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Tests.Support;

/// <summary>The log of a context.</summary>
internal sealed class LogLines
{
    private readonly ConcurrentQueue<(ChannelMessageKind Kind, string Text)> _lines = new();

    public LogLines(MLContext ml) => ml.Log += (_, line) => _lines.Enqueue((line.Kind, line.RawMessage));

    public IReadOnlyList<string> All => [.. _lines.Select(line => line.Text)];

    public IReadOnlyList<string> Warnings => [.. _lines.Where(line => line.Kind == ChannelMessageKind.Warning).Select(line => line.Text)];

    public override string ToString() => string.Join("\n", All);
}
