using System.CommandLine;
using Microsoft.ML;

namespace MlNetFineTune.Tool;

/// <summary><c>finetune examine</c>.</summary>
internal static class ExamineCommand
{
    public static Command Create()
    {
        Argument<string> data = CommonOptions.Data("The training photos");
        var test = new Option<string?>("--test")
        {
            Description = "Test photos, which are compared with the training photos. Default: none.",
            HelpName = "DATA",
        };
        Option<string?> backbone = CommonOptions.BackboneName(), weights = CommonOptions.Weights();
        var report = new Option<FileInfo?>("--report")
        {
            Description = "HTML page with all findings and thumbnails. Default: none is written.",
            HelpName = "FILE",
        };
        Option<int> seed = TrainingOptions.Seed();
        Option<bool> json = CommonOptions.Json("the findings as a JSON document");
        var columns = new ColumnOptions();
        var command = new Command("examine",
            "Looks for faults in labelled photos before a training: near-duplicates within and between training and test photos, likely "
            + "label errors, and blank, blurred, tiny and unreadable photos.")
        {
            data, test, backbone, weights, report, seed, json,
        };
        columns.AddTo(command);
        command.SetAction(parsed =>
        {
            bool isForPrograms = parsed.GetValue(json);
            if (isForPrograms)
                JsonOutput.Begin();
            string? page = parsed.GetValue(report)?.FullName;
            OutputFile.RequireWritable(page);
            MLContext ml = ToolContext.Create(parsed.GetValue(seed));
            LabeledRows train = Photos(parsed.GetRequiredValue(data));
            LabeledRows? testing = parsed.GetValue(test) is { } path ? Photos(path) : null;
            DataExamination examination = ExamineRun.Start(ml, train.View, testing?.View, new ExaminationOptions
            {
                Backbone = CommonOptions.ChoosePhotos(parsed.GetValue(backbone), parsed.GetValue(weights)),
                ReportPath = page,
            });
            if (isForPrograms)
                JsonOutput.Write(new Result(examination.LabelAgreement, page, examination.Findings));
            return CommandRun.Done;

            LabeledRows Photos(string path)
            {
                LabeledRows rows = LabeledRows.Read(ml, path, columns.Of(parsed));
                return rows.Kind == RowKind.Photos ? rows
                    : throw new InvalidDataException($"An examination looks at photos, and '{rows.Source}' has {rows.Kind.Noun}.");
            }
        });
        return command;
    }

    /// <summary>What an examination found, as a document.</summary>
    /// <param name="LabelAgreement">Fraction of the rows whose label a model predicts that was not trained on them.</param>
    /// <param name="Report">Path of the page; null without one.</param>
    /// <param name="Findings">The findings.</param>
    private sealed record Result(double LabelAgreement, string? Report, IReadOnlyList<DataExamination.Finding> Findings);
}
