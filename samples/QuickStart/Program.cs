using System.CommandLine;
using System.CommandLine.Invocation;
using QuickStart;

// Without arguments: generates pictures of surfaces, fine-tunes a small pretrained network on them, saves the model, loads it and predicts.
// With --train and --test: the same with your photos. The ML.NET part is in PhotoClassifier.cs.
ParseResult command = CommandLine.Parse(args, QuickStartRun.Start);
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
    or UnauthorizedAccessException)
{
    Console.Error.WriteLine(InOneLine(e));
    return 1;
}

// The first line of a long message has the error, the last the remedy.
static string InOneLine(Exception e)
{
    string message = e is ArgumentException { ParamName: { } name } ? e.Message.Replace($" (Parameter '{name}')", "") : e.Message;
    string[] lines = message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    return lines.Length > 1 ? $"{lines[0]} {lines[^1]}" : message;
}
