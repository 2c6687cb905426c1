using System.CommandLine;
using System.CommandLine.Invocation;
using System.Globalization;
using System.Runtime.InteropServices;

namespace MlNetFineTune.Tool;

/// <summary>Parses and runs a command; every error is one line on standard error and an exit code.</summary>
internal static class CommandRun
{
    /// <summary>All is done.</summary>
    public const int Done = 0;

    /// <summary>It failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong; nothing was begun.</summary>
    public const int WrongUse = 2;

    /// <summary>It is done, except for inputs that cannot be read.</summary>
    public const int SomeUnreadable = 3;

    /// <summary>It was cancelled: 128 and the number of SIGINT, as shells say it.</summary>
    public const int Cancelled = 130;

    /// <param name="parse">Parses the command line: an error in it is told like any other.</param>
    public static int Invoke(Func<ParseResult> parse)
    {
        // Numbers are read and written in the same way everywhere.
        CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            ParseResult command = parse();
            var wrongUse = command.Action as ParseErrorAction;
            if (wrongUse is not null)
            {
                wrongUse.ShowHelp = false;
                wrongUse.ShowTypoCorrections = true;
            }

            int code = command.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                Output = wrongUse is null ? Console.Out : Console.Error, // which has the corrections
            });
            return wrongUse is null ? code : WrongUse;
        }
        catch (Exception e) when (CauseOf(e) is OperationCanceledException)
        {
            Console.Error.WriteLine("Cancelled.");
            return Cancelled;
        }
        catch (Exception e) when (e is ArgumentException or InvalidDataException or InvalidOperationException or IOException
            or NotSupportedException or UnauthorizedAccessException or HttpRequestException or FormatException or AggregateException
            or ExternalException or OutOfMemoryException or DllNotFoundException or TypeInitializationException)
        {
            Console.Error.WriteLine(InOneLine(CauseOf(e)));
            return Failed;
        }
    }

    // These say only that there is a cause.
    private static Exception CauseOf(Exception e) =>
        e is AggregateException or TypeInitializationException && e.InnerException is { } inner ? CauseOf(inner) : e;

    // The first line of a long message has the error, the last the remedy; after an error of libtorch come the frames of its stack.
    private static string InOneLine(Exception e)
    {
        string message = e is ArgumentException { ParamName: { } name } ? e.Message.Replace($" (Parameter '{name}')", "") : e.Message;
        string[] lines = message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return e is ExternalException && lines.Length > 0 ? lines[0] : lines.Length > 1 ? $"{lines[0]} {lines[^1]}" : message;
    }
}
