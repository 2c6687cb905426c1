using System.CommandLine;
using System.CommandLine.Invocation;

namespace QuickStart;

/// <summary>Runs a parsed command; every error is one line and an exit code.</summary>
internal static class CommandRun
{
    public static int Invoke(ParseResult command)
    {
        if (command.Action is ParseErrorAction wrongUse)
        {
            wrongUse.ShowHelp = false;
            wrongUse.ShowTypoCorrections = true;
        }

        try
        {
            return command.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Cancelled.");
            return 130;
        }
        catch (Exception e) when (e is ArgumentException or InvalidDataException or InvalidOperationException or IOException
            or NotSupportedException or UnauthorizedAccessException or HttpRequestException)
        {
            Console.Error.WriteLine(InOneLine(e));
            return 1;
        }
    }

    // The first line of a long message has the error, the last the remedy.
    private static string InOneLine(Exception e)
    {
        string message = e is ArgumentException { ParamName: { } name } ? e.Message.Replace($" (Parameter '{name}')", "") : e.Message;
        string[] lines = message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.Length > 1 ? $"{lines[0]} {lines[^1]}" : message;
    }
}
