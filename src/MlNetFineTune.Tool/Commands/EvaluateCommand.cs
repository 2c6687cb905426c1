using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Tool;

/// <summary><c>finetune evaluate</c>.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        Argument<FileInfo> model = CommonOptions.Model();
        Argument<string> data = CommonOptions.Data("The rows, with their true classes");
        Option<bool> json = CommonOptions.Json("the metrics as a JSON document");
        var columns = new ColumnOptions();
        var command = new Command("evaluate",
            "Measures a model on labelled photos or texts with ML.NET's metrics, and each class by itself.")
        {
            model, data, json,
        };
        columns.AddTo(command);
        command.SetAction(parsed =>
        {
            bool isForPrograms = parsed.GetValue(json);
            if (isForPrograms)
                JsonOutput.Begin();
            MLContext ml = ToolContext.Create();
            LabeledRows rows = LabeledRows.Read(ml, parsed.GetRequiredValue(data), columns.Of(parsed));
            using Classifier classifier = Classifier.Open(ml, parsed.GetRequiredValue(model).FullName);
            (MulticlassClassificationMetrics metrics, Evaluation document) = classifier.Evaluate(rows);
            if (isForPrograms)
                JsonOutput.Write(document);
            else
                Screen.ShowMetrics(metrics, classifier.Classes);
            if (document.Unreadable == 0)
                return CommandRun.Done;
            Console.Error.WriteLine($"{document.Unreadable} of {document.Rows} {rows.Kind.Noun} cannot be read, and are left out.");
            return CommandRun.SomeUnreadable;
        });
        return command;
    }
}
