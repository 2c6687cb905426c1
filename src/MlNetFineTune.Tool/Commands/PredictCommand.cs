using System.CommandLine;
using Microsoft.ML;
using MlNetFineTune.Data;

namespace MlNetFineTune.Tool;

/// <summary><c>finetune predict</c>.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        Argument<FileInfo> model = CommonOptions.Model();
        var inputs = new Argument<string[]>("inputs")
        {
            Description = "Photos and folders of photos; for texts, files with a text in each line. Without any, the lines of standard "
                + "input: paths of photos, or texts.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var text = new Option<string[]>("--text")
        {
            Description = "A text; can be repeated.",
            DefaultValueFactory = _ => [],
            HelpName = "TEXT",
        };
        Option<bool> json = CommonOptions.Json("a JSON document a line for each input");
        var csv = new Option<bool>("--csv") { Description = "Writes CSV to standard output: a line of names, and a line for each input." };
        var command = new Command("predict",
            "Predicts the class of photos or texts, with the probability of each class. An input that cannot be read is a row with the "
            + "reason, and makes the exit code 3.")
        {
            model, inputs, text, json, csv,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(csv))
                result.AddError("--json and --csv are two forms of the same rows: take one of them.");
        });
        command.SetAction(parsed =>
        {
            bool isForPrograms = parsed.GetValue(json) || parsed.GetValue(csv);
            if (isForPrograms)
                JsonOutput.Begin();
            using Classifier classifier = Classifier.Open(ToolContext.Create(), parsed.GetRequiredValue(model).FullName);
            IEnumerable<Prediction> predictions = classifier.Predict(
                InputsOf(classifier.Kind, parsed.GetValue(inputs) ?? [], parsed.GetValue(text) ?? []));
            int failed = parsed.GetValue(json) ? PredictionWriter.WriteJson(predictions)
                : parsed.GetValue(csv) ? PredictionWriter.WriteCsv(predictions, classifier.Classes)
                : PredictionWriter.WriteTable(predictions, classifier.Kind);
            return failed == 0 ? CommandRun.Done : CommandRun.SomeUnreadable;
        });
        return command;
    }

    private static IEnumerable<string> InputsOf(RowKind kind, string[] inputs, string[] texts)
    {
        if (texts.Length > 0 && kind != RowKind.Texts)
            throw new ArgumentException($"--text: the model reads {kind.Noun}.");
        if (inputs.Length > 0 || texts.Length > 0)
            return [.. texts, .. inputs.SelectMany(input => Expanded(kind, input))];
        if (!Console.IsInputRedirected)
        {
            throw new ArgumentException(
                $"No input: give {kind.Noun}, or the lines of another program (finetune predict model.zip < lines).");
        }
        return LinesOf(Console.In);
    }

    private static IEnumerable<string> Expanded(RowKind kind, string input) =>
        kind == RowKind.Texts ? File.ReadLines(input)
        : Directory.Exists(input) ? PhotosBelow(input)
        : [input];

    private static IReadOnlyList<string> PhotosBelow(string folder)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        List<string> photos = [.. FolderFiles.Below(new DirectoryInfo(full), Path.GetDirectoryName(full) ?? "").Where(ImageFolder.IsRead)];
        return photos.Count > 0 ? photos : throw new InvalidDataException($"The folder '{full}' has no photos.");
    }

    private static IEnumerable<string> LinesOf(TextReader reader)
    {
        while (reader.ReadLine() is { } line)
            yield return line;
    }
}
