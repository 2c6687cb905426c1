using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>ML.NET's log in that of the host.</summary>
public static partial class MlNetLoggingExtensions
{
    /// <summary>
    /// Passes each line of the context's log to <see cref="ILogger"/>, in the category <c>Microsoft.ML.</c> and the name of the component:
    /// <c>Microsoft.ML.FineTuningTrainer</c>. Errors, warnings and information keep their levels; traces are
    /// <see cref="LogLevel.Trace"/>.
    /// </summary>
    /// <param name="ml">The context.</param>
    /// <param name="loggers">The host's loggers.</param>
    public static void LogTo(this MLContext ml, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(ml);
        ArgumentNullException.ThrowIfNull(loggers);
        var known = new ConcurrentDictionary<string, ILogger>(StringComparer.Ordinal);
        ml.Log += (_, line) => Write(
            known.GetOrAdd(ComponentOf(line.Source), component => loggers.CreateLogger($"Microsoft.ML.{component}")),
            LevelOf(line.Kind), line.RawMessage);
    }

    // "FineTuningTrainer; Training" names the component and its channel.
    private static string ComponentOf(string source) => source.Split(';', 2)[0].Trim();

    private static LogLevel LevelOf(ChannelMessageKind kind) => kind switch
    {
        ChannelMessageKind.Error => LogLevel.Error,
        ChannelMessageKind.Warning => LogLevel.Warning,
        ChannelMessageKind.Info => LogLevel.Information,
        _ => LogLevel.Trace,
    };

    [LoggerMessage(EventId = 1, Message = "{Line}")]
    private static partial void Write(ILogger log, LogLevel level, string line);
}
