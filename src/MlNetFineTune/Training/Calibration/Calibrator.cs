using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>Calibrates a trained network on its validation rows.</summary>
internal static class Calibrator
{
    /// <summary>The training's report, with what calibration found; as it is where none is asked for, or no epoch was complete.</summary>
    /// <param name="report">Of the training.</param>
    /// <param name="outputs">Of the validation rows; not asked for where nothing is calibrated.</param>
    /// <param name="classes">Their names; null where a number is predicted.</param>
    /// <param name="data">The training's.</param>
    /// <param name="options">The training's.</param>
    /// <param name="fit">The training's.</param>
    public static TrainingReport Calibrate(this TrainingReport report, Lazy<RowOutputs> outputs, IReadOnlyList<string>? classes,
        TrainingData data, FineTuningOptions options, FitScope fit)
    {
        if (options.ScoreCalibration is not Calibration.TemperatureCalibration calibration || classes is null || report.BestEpoch == 0)
            return report;
        var judged = outputs.Value;
        if (judged.Rows.Length == 0)
            throw new InvalidOperationException($"None of the {data.Validation.Rows.Length} validation {data.Validation.Source.Inputs.Noun}s could be read again to calibrate the probabilities.");
        double[][] logits = [.. judged.Rows.Select((_, place) => LogitsOf(judged.Of(place)))];
        int[] labels = [.. data.Validation.LabelsOf(judged.Rows).Select(label => (int)label)];
        var fitted = TemperatureScaling.Fit(logits, labels);
        var found = Describe(logits, labels, classes, (float)(fitted ?? 1), calibration.TargetPrecision);
        if (fitted is null)
            fit.Channel.Warning(FormattableString.Invariant($"The probabilities stay as they are: no temperature from {TemperatureScaling.Least} to {TemperatureScaling.Greatest} fits the {found.Rows} validation rows best. Where all of them are right, more of them are needed."));
        else
            fit.Channel.Info(FormattableString.Invariant($"Calibrated on {found.Rows} validation rows: temperature {found.Temperature:0.000}, expected calibration error {found.ErrorBefore:0.0000} -> {found.ErrorAfter:0.0000}."));
        return report with { Calibration = found };
    }

    /// <param name="logits">[rows][classes].</param>
    /// <param name="labels">Of each row.</param>
    /// <param name="classes">Their names.</param>
    /// <param name="temperature">Of scoring.</param>
    /// <param name="targetPrecision">Of the thresholds.</param>
    internal static Calibration.Report Describe(
        IReadOnlyList<double[]> logits, IReadOnlyList<int> labels, IReadOnlyList<string> classes, float temperature, float targetPrecision)
    {
        JudgedPrediction[] before = [.. logits.Zip(labels, (z, label) => JudgedPrediction.Of(TemperatureScaling.Softmax(z, 1), label))];
        JudgedPrediction[] after = [.. logits.Zip(labels, (z, label) => JudgedPrediction.Of(TemperatureScaling.Softmax(z, temperature), label))];
        var byClass = after.ToLookup(prediction => prediction.Class);
        return new Calibration.Report
        {
            Temperature = temperature,
            Rows = logits.Count,
            LossBefore = TemperatureScaling.Loss(logits, labels, 1),
            LossAfter = TemperatureScaling.Loss(logits, labels, temperature),
            ErrorBefore = CalibrationError.Of(before),
            ErrorAfter = CalibrationError.Of(after),
            TargetPrecision = targetPrecision,
            RejectThresholds = classes.Index().DistinctBy(one => one.Item, StringComparer.Ordinal).ToDictionary(one => one.Item, one => RejectThreshold.Of(byClass[one.Index], ExactDouble.Of(targetPrecision)), StringComparer.Ordinal),
        };
    }

    private static double[] LogitsOf(ReadOnlySpan<float> outputs) => outputs is [var logit] ? [0, logit]
        : [.. outputs.ToArray().Select(value => (double)value)]; // of no and of yes
}
