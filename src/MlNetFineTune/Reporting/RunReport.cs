using System.Globalization;
using System.Runtime.InteropServices;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;
using TorchSharp;

namespace MlNetFineTune.Reporting;

/// <summary>Gathers what the report page shows of a finished training.</summary>
internal static class RunReport
{
    /// <param name="folder">Where to; null where none is asked for.</param>
    /// <param name="network">Trained, and ready to score.</param>
    /// <param name="outputs">Its, of the validation rows.</param>
    /// <param name="objective">Makes scores of outputs.</param>
    /// <param name="classes">Null where a number is predicted.</param>
    /// <param name="data">Trained and judged.</param>
    /// <param name="options">Of the training.</param>
    /// <param name="seed">Of the training.</param>
    /// <param name="report">What happened.</param>
    public static void Write(RunFolder? folder, TrainableNetwork network, Lazy<RowOutputs> outputs, Objective objective,
        IReadOnlyList<string>? classes, TrainingData data, FineTuningOptions options, long seed, TrainingReport report) =>
        folder?.WriteReport(new RunRecord(
            network.Name, report, [.. folder.Steps],
            data.Validation.Rows.Length > 0 ? RowJudge.Judge(outputs.Value, objective, data.Validation, classes) : null,
            ManifestOf.Describe(options), Facts(network, data, options, seed, report)));

    private static List<(string Name, string Value)> Facts(TrainableNetwork network, TrainingData data, FineTuningOptions options, long seed, TrainingReport report)
    {
        List<(string Name, string Value)> facts =
        [
            ("Network", network.Description),
            ("Stages that trained", string.Join(", ", report.TrainedStages.Append("head"))),
            ("Weights, SHA-256", ArchiveFiles.Sha256Of(network, WeightPrecision.Float32)), // what the model file's manifest will say
            .. report.Distillation is { } taught ? [("Teacher", $"{taught.Teacher}, SHA-256 of its weights {taught.WeightsSha256}")] : ((string, string)[])[],
            ("Seed", seed.ToString(CultureInfo.InvariantCulture)),
            ("Torch threads", torch.get_num_threads().ToString(CultureInfo.InvariantCulture)),
            ("Workers", $"{options.Workers.ToString(CultureInfo.InvariantCulture)} (do not change the result)"),
            ("Device", network.Device.type.ToString()),
            ("System", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}, {RuntimeInformation.FrameworkDescription}"),
            ("Training rows", Invariant($"{report.TrainingRows} used, {report.BadRows.Count} unreadable, {report.RowsWithoutLabel} without a label")),
            ("Validation rows", data.Validation.Rows.Length == 0 ? "none" : Invariant($"{report.ValidationRows} used, {report.ValidationBadRows.Count} unreadable")),
            .. report.Resumed is { } from
                ? [("Went on from a checkpoint", Invariant($"after {from.Epochs} epochs and {from.Batches} batches"))]
                : ((string, string)[])[],
            ("Steps", report.Epochs.Count == 0 ? "no epoch complete" : Invariant($"{report.Epochs.Count} epochs in {report.Duration.TotalSeconds:0.0} s")),
        ];
        facts.AddRange(ManifestOf.Packages.Select(package => (package.Key, package.Value)));
        return facts;
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
