using System.Globalization;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tasks;

/// <summary>Calibrates a trained network on validation rows.</summary>
internal static class Calibrator
{
    /// <param name="calibration">The options of temperature scaling.</param>
    /// <param name="outputs">
    /// Outputs of the network for the validation rows: logits of the classes, or the one logit of a binary model.
    /// </param>
    /// <param name="labels">Classes of the same rows, from 0.</param>
    /// <param name="classes">Names of the classes.</param>
    /// <param name="channel">Receives messages.</param>
    public static Calibration.Report Fit(
        Calibration calibration, RowOutputs outputs, float[] labels, IReadOnlyList<string> classes, IChannel channel)
    {
        double[][] logits = [.. outputs.Rows.Select((_, place) => LogitsOf(outputs.Of(place)))];
        int[] indices = [.. labels.Select(label => (int)label)];
        var fitted = TemperatureScaling.Fit(logits, indices);
        var found = Describe(logits, indices, classes, (float)(fitted ?? 1),
            ((Calibration.TemperatureCalibration)calibration).TargetPrecision);
        if (fitted is null)
        {
            channel.Warning(string.Create(CultureInfo.InvariantCulture, $"The probabilities stay as they are: "
                    + $"no temperature from {TemperatureScaling.Least} to {TemperatureScaling.Greatest} fits the ")
                + $"{found.Rows} validation rows best. Where all of them are right, more of them are needed.");
        }
        else
        {
            channel.Info(FormattableString.Invariant(
                $"Calibrated on {found.Rows} validation rows: temperature {found.Temperature:0.000}, expected calibration error ")
                + FormattableString.Invariant($"{found.ErrorBefore:0.0000} -> {found.ErrorAfter:0.0000}."));
        }
        return found;
    }

    /// <param name="logits">[rows][classes].</param>
    /// <param name="labels">Class of each row, from 0.</param>
    /// <param name="classes">Names of the classes.</param>
    /// <param name="temperature">The divisor of the logits in scoring.</param>
    /// <param name="targetPrecision">Target precision of the reject thresholds. Above 0, at most 1.</param>
    internal static Calibration.Report Describe(
        IReadOnlyList<double[]> logits, IReadOnlyList<int> labels, IReadOnlyList<string> classes, float temperature, float targetPrecision)
    {
        JudgedPrediction[] before = [.. logits.Zip(labels, (z, label) => JudgedPrediction.Of(TemperatureScaling.Softmax(z, 1), label))];
        JudgedPrediction[] after =
            [.. logits.Zip(labels, (z, label) => JudgedPrediction.Of(TemperatureScaling.Softmax(z, temperature), label))];
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
            RejectThresholds = classes.Index().DistinctBy(one => one.Item, StringComparer.Ordinal)
                .ToDictionary(one => one.Item, one => RejectThreshold.Of(byClass[one.Index], ExactDouble.Of(targetPrecision)),
                    StringComparer.Ordinal),
        };
    }

    private static double[] LogitsOf(ReadOnlySpan<float> outputs) => outputs is [var logit] ? [0, logit]
        : [.. outputs.ToArray().Select(value => (double)value)]; // of false and true
}
