using System.Security.Cryptography;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// Calibrates conformal prediction on a finished network: one pass over the calibration rows, and one over the sampled training rows whose
/// features the novelty score keeps.
/// </summary>
internal static class ConformalFit
{
    /// <summary>Checks before the training that there are enough calibration rows, and that the network has features.</summary>
    /// <exception cref="InvalidOperationException">There are too few rows; the message says how many are needed.</exception>
    /// <exception cref="ArgumentException">The network runs as a whole.</exception>
    public static void Check(FineTuningOptions options, FineTunedNetwork network, BoundTask task, TrainingData data)
    {
        if (options.Conformal is not { } conformal)
            return;
        if (conformal.Novelty != ConformalPrediction.NoveltyScore.None && !network.GivesFeatures)
        {
            throw new ArgumentException(
                $"ConformalPrediction.Novelty needs the features before the head, and the {network.Name} runs as a whole: return a "
                + "Sequential, implement IStagedModule.ComputationOf, or set Novelty = NoveltyScore.None.", "options");
        }
        Require(conformal, task, data, data.Calibration.LabelsOf(data.Calibration.Rows));
    }

    private static void Require(ConformalPrediction conformal, BoundTask task, TrainingData data, float[] labels)
    {
        var names = task.ClassScores!.Names;
        var needed = ConformalQuantile.RowsNeeded(conformal.Coverage);
        if (labels.Length < needed)
            throw TooFew($"a coverage of {Text(conformal.Coverage)}", needed, labels.Length, "", "or lower Coverage");
        if (conformal.ClassConditional)
        {
            var counts = new int[names.Count];
            foreach (var label in labels)
                counts[(int)label]++;
            var (scarce, least) = counts.Index().MinBy(count => count.Item);
            if (least < needed)
            {
                throw TooFew(
                    $"a coverage of {Text(conformal.Coverage)} for each class", needed, least, $" of {SafeText.Of(names[scarce])}",
                    "lower Coverage, or set ClassConditional = false");
            }
        }
        if (conformal.Novelty is ConformalPrediction.NoveltyScore.NeighborNovelty { FalseAlarmRate: var rate }
            && ConformalQuantile.RowsNeeded(CoverageOf(rate)) is var ofNovelty && labels.Length < ofNovelty)
        {
            throw TooFew(
                $"a falseAlarmRate of {Text(rate)}", ofNovelty, labels.Length, "",
                "raise falseAlarmRate, or set Novelty = NoveltyScore.None");
        }

        InvalidOperationException TooFew(string what, int needed, int found, string of, string remedy)
        {
            var unreadable = data.Calibration.Rows.Length - labels.Length;
            return new(
                $"Conformal: {what} needs {needed} calibration rows{of} or more, and there are {found}: "
                + (conformal.CalibrationFraction > 0
                    ? $"CalibrationFraction {Text(conformal.CalibrationFraction)} of the "
                        + $"{data.Validation.Rows.Length + data.Calibration.Rows.Length} validation rows"
                    : $"all {data.Validation.Rows.Length} validation rows")
                + (unreadable > 0 ? $", without {unreadable} that could not be read. " : ". ")
                + $"Give more validation rows (Validation), {(conformal.CalibrationFraction > 0 ? "raise CalibrationFraction, " : "")}"
                + $"{remedy}.");
        }
    }

    /// <param name="run">The finished training, whose network is prepared for scoring.</param>
    /// <param name="task">The task with its finished calibration and threshold.</param>
    /// <exception cref="InvalidDataException">More rows could not be read than <see cref="BadRows"/> allows.</exception>
    /// <exception cref="InvalidOperationException">The rows that could be read are too few.</exception>
    public static ConformalModel Of(TrainingRun run, BoundTask task)
    {
        var conformal = run.Options.Conformal!;
        var novelty = conformal.Novelty as ConformalPrediction.NoveltyScore.NeighborNovelty;
        var rows = NetworkPass.Run(
            run, run.Data.Calibration, withFeatures: novelty is not null, new BadRowLog(run.Options.BadRows, run.Channel));
        var classes = task.ClassScores!;
        var scores = rows.Outputs.ScoresBy(task.Scoring);
        var length = task.Scoring.ScoreLength;
        float[][] probabilities =
            [.. rows.Outputs.Rows.Select((_, place) => classes.ProbabilitiesOf(scores.AsSpan(place * length, length)))];
        var ofRows = run.Data.Calibration.LabelsOf(rows.Outputs.Rows);
        AgreedFailure.In(() => Require(conformal, task, run.Data, ofRows)); // again: some may not have been readable
        int[] labels = [.. ofRows.Select(label => (int)label)];
        var sets = ConformalSets.Fit(conformal, probabilities, labels, classes.Names.Count);
        if (labels.Length < run.Data.Calibration.Rows.Length)
        {
            run.Channel.Warning($"Only {labels.Length} of {run.Data.Calibration.Rows.Length} calibration rows could be read.");
        }

        var nearest = novelty is null ? null : Neighbors(run, novelty);
        NoveltyManifest? described = null;
        if (novelty is not null && nearest is not null)
        {
            var distances = rows.Features.Select(ofRow => nearest.DistanceOf(ofRow));
            var threshold = ConformalQuantile.Of(distances, CoverageOf(novelty.FalseAlarmRate));
            described = new(
                conformal.NoveltyColumnName, nearest.Neighbors, threshold, nearest.Rows, nearest.Features,
                Convert.ToHexStringLower(SHA256.HashData(nearest.ToBytes())));
        }
        var manifest = new ConformalManifest(
            conformal.PredictedLabelsColumnName, conformal.RejectedColumnName, conformal.Score.Describe(), conformal.Coverage,
            labels.Length, sets.Quantiles, described);
        var model = new ConformalModel(manifest, task, sets, nearest);
        var report = model.Report;
        run.Channel.Info(
            $"Conformal prediction calibrated on {report.Rows} rows: coverage {Text(report.Coverage)}"
            + (nearest is null ? "." : $"; features of {report.NoveltyRows} training rows kept, {report.NoveltyBytes >> 10} KiB."));
        return model;
    }

    // As decimals, so that 1 - 0.05 is 0.95.
    private static float CoverageOf(float falseAlarmRate) => (float)(1 - (decimal)falseAlarmRate);

    private static NearestNeighbors Neighbors(TrainingRun run, ConformalPrediction.NoveltyScore.NeighborNovelty novelty)
    {
        int[] order = [.. run.Data.Training.Rows];
        new CountedRandom(run.Seed, RandomStream.NoveltySample, epoch: 0, ordinal: 0).Shuffle(order);
        int[] sample = [.. order.Take(novelty.Rows).Order()];
        var rows = NetworkPass.Run(run, run.Data.Training with { Rows = sample }, withFeatures: true);
        return rows.Features.Count > 0
            ? NearestNeighbors.Of(rows.Features, novelty.Neighbors)
            : throw AgreedFailure.Of(new InvalidOperationException(
                $"None of the {sample.Length} sampled training {run.Data.Training.Source.Inputs.Noun}s could be read for the novelty "
                + "score."));
    }

    private static string Text(float value) => FormattableString.Invariant($"{value}");
}
