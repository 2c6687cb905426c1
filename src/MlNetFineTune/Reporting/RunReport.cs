using System.Globalization;
using System.Runtime.InteropServices;
using MlNetFineTune.Data;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;
using TorchSharp;

namespace MlNetFineTune.Reporting;

/// <summary>Collects the contents of the report page of a finished training.</summary>
internal static class RunReport
{
    /// <summary>Writes the training report, if there is a folder for it.</summary>
    /// <param name="folder">Null if none is configured, and in all processes but the first.</param>
    /// <param name="run">The training.</param>
    /// <param name="task">The task of the model.</param>
    /// <param name="outputs">Outputs of the finished network for the validation rows.</param>
    /// <param name="report">Report of the training.</param>
    /// <param name="conformal">Calibrated conformal prediction; null without it.</param>
    public static void Write(
        RunFolder? folder, TrainingRun run, BoundTask task, Lazy<RowOutputs> outputs, TrainingReport report,
        ConformalModel? conformal = null)
    {
        if (run.Options.RunFolder is null)
            return;
        // Several processes compute the outputs together, and the first writes.
        ReportSection[] sections =
            [.. SectionsOf(task, outputs, run.Data.Validation), .. ConformalSections(conformal, run, task, outputs)];
        folder?.WriteReport(new RunRecord(
            run.Network.Name, report, [.. folder.Steps], sections, run.Data.Validation.Source, OptionsDescription.Of(run.Options),
            Facts(run, report))
        {
            Heat = run.Data.Validation.Rows.Length > 0 ? RowHeat.Of(run, task) : null,
            BatchSheet = BatchSheetSection.Of(run.Sheet, task, run.Data.Training.Source),
        });
    }

    private static IReadOnlyList<ReportSection> SectionsOf(BoundTask task, Lazy<RowOutputs> outputs, RowSubset validation) =>
        validation.Rows.Length > 0 && outputs.Value is { Rows.Length: > 0 } known
            ? task.Report(known with { Inputs = validation.Source.Inputs }, validation.LabelsOf(known.Rows), validation.Source.Inputs.Noun)
            : [];

    // The novelty needs the features, which the evaluation does not keep.
    private static IReadOnlyList<ReportSection> ConformalSections(
        ConformalModel? conformal, TrainingRun run, BoundTask task, Lazy<RowOutputs> outputs)
    {
        var validation = run.Data.Validation;
        if (conformal is null || validation.Rows.Length == 0)
            return [];
        var rows = conformal.Nearest is null
            ? new OutputsWithFeatures(outputs.Value, [])
            : NetworkPass.Run(run, validation, withFeatures: true);
        return rows.Outputs.Rows.Length == 0 ? [] : [ConformalSection.Of(
            conformal, task, rows.Outputs, rows.Features, validation.LabelsOf(rows.Outputs.Rows), validation.Source.Inputs.Noun,
            isHeldOut: run.Options.Conformal is { CalibrationFraction: > 0 }, hasGroups: validation.Source.Groups is not null)];
    }

    private static List<(string Name, string Value)> Facts(TrainingRun run, TrainingReport report)
    {
        var (network, data, options) = (run.Network, run.Data, run.Options);
        List<(string Name, string Value)> facts =
        [
            ("Network", network.Description),
            ("Stages that trained", string.Join(", ", report.TrainedStages.Append("head"))),
            ("Weights, SHA-256", ArchiveFiles.Sha256Of(network, WeightPrecision.Float32)), // as in the model file's manifest
            .. report.Distillation is { } taught ? [("Teacher", $"{taught.Teacher}, SHA-256 of its weights {taught.WeightsSha256}")]
                : ((string, string)[])[],
            ("Seed", run.Seed.ToString(CultureInfo.InvariantCulture)),
            .. run.Processes.IsSeveral ? [("Processes", Invariant($"{run.Processes.Size}"))] : ((string, string)[])[],
            ("Torch threads", torch.get_num_threads().ToString(CultureInfo.InvariantCulture)),
            ("Workers", $"{options.Workers.ToString(CultureInfo.InvariantCulture)} (do not change the result)"),
            ("Device", network.Device.type.ToString()),
            ("System", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}, "
                + $"{RuntimeInformation.FrameworkDescription}"),
            ("Training rows",
                Invariant($"{report.TrainingRows} used, {report.BadRows.Count} unreadable, {report.RowsWithoutLabel} without a label")),
            ("Validation rows", data.Validation.Rows.Length
                == 0 ? "none" : Invariant($"{report.ValidationRows} used, {report.ValidationBadRows.Count} unreadable")),
            .. report.Resumed is { } from
                ? [("Went on from a checkpoint", Invariant($"after {from.Epochs} epochs and {from.Batches} batches"))]
                : ((string, string)[])[],
            ("Steps", report.Epochs.Count == 0 ? "no epoch complete" : Invariant(
                $"{report.Epochs.Count} epochs in {report.Duration.TotalSeconds:0.0} s")),
        ];
        facts.AddRange(PackageVersions.Current.Select(package => (package.Key, package.Value)));
        return facts;
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
