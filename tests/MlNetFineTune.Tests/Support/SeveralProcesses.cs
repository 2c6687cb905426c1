using Microsoft.ML;

namespace MlNetFineTune.Tests.Support;

/// <summary>What a process has after a training.</summary>
internal sealed record ProcessResult(Dictionary<string, double[]> Tensors, TrainingReport Report);

/// <summary>The same training with one process and with several, which are threads.</summary>
internal static class SeveralProcesses
{
    private const double Tolerance = 1e-5;

    /// <summary>Trains with the processes of the options, and disposes the model.</summary>
    public static ProcessResult Train<T>(T options, Func<MLContext, T, FineTuningTransformer> fit)
        where T : FineTuningOptions
    {
        using var model = fit(new MLContext(seed: 1), options);
        Dictionary<string, double[]>? tensors = null;
        model.Scorer.Read(network => tensors = network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values()));
        return new(tensors!, model.Report!);
    }

    /// <summary>Trains with several processes.</summary>
    public static ProcessResult[] Train<T>(int size, T options, Func<MLContext, T, FineTuningTransformer> fit)
        where T : FineTuningOptions => ThreadGroup.Run(size, group => Train(options with { Processes = group }, fit));

    /// <summary>
    /// All processes have the same bits, and weights, losses and metrics of one process to 1e-5. A ReLU's input can be so near to 0 that
    /// rounding decides its sign, and from there one process goes another way too: where the numbers differ, they must be those of one
    /// process with a learning rate that is a few roundings away.
    /// </summary>
    public static void AssertAreOne<T>(int size, T options, Func<MLContext, T, FineTuningTransformer> fit)
        where T : FineTuningOptions
    {
        var several = Train(size, options, fit);
        foreach (var other in several.Skip(1))
            Assert.IsNull(Difference(several[0], other, tolerance: 0), "the processes differ");
        var one = Train(options, fit);
        Assert.IsNotEmpty(one.Report.Epochs);
        if (Difference(one, several[0]) is { } difference && !Ways(options, fit).Any(way => Difference(way, several[0]) is null))
            Assert.Fail($"{size} processes differ from one: {difference}");
    }

    private static IEnumerable<ProcessResult> Ways<T>(T options, Func<MLContext, T, FineTuningTransformer> fit)
        where T : FineTuningOptions => ((float[])[1, -1, 2, -2, 3, -3, 4, -4]).Select(
            roundings => Train(options with { LearningRate = options.LearningRate * (1 + roundings * 1.2e-7f) }, fit));

    /// <summary>The first difference of two results; null if there is none.</summary>
    public static string? Difference(ProcessResult one, ProcessResult other, double tolerance = Tolerance)
    {
        var (its, theirs) = (one.Report, other.Report);
        if ((its.BestEpoch, its.End, its.TrainingRows, its.ValidationRows, its.FeatureCache?.RowsComputed, its.Epochs.Count)
            != (theirs.BestEpoch, theirs.End, theirs.TrainingRows, theirs.ValidationRows, theirs.FeatureCache?.RowsComputed,
                theirs.Epochs.Count))
            return $"the reports, {its} and {theirs}";
        if (!its.BadRows.SequenceEqual(theirs.BadRows))
            return $"bad rows, {string.Join("; ", its.BadRows)} and {string.Join("; ", theirs.BadRows)}";
        foreach (var (epoch, another) in its.Epochs.Zip(theirs.Epochs))
        {
            (string Name, double? One, double? Other)[] values =
            [
                ("loss", epoch.Loss, another.Loss), ("validation loss", epoch.ValidationLoss, another.ValidationLoss),
                .. epoch.Metrics.Select(metric => (metric.Key, (double?)metric.Value, (double?)another.Metrics[metric.Key])),
            ];
            foreach (var (name, value, theirValue) in values)
            {
                if (IsFar(value ?? 0, theirValue ?? 0))
                    return FormattableString.Invariant($"{name} of epoch {epoch.Epoch}, {value} and {theirValue}");
            }
        }
        foreach (var (name, values) in one.Tensors)
        {
            if (values.Zip(other.Tensors[name]).Any(pair => IsFar(pair.First, pair.Second)))
                return name;
        }
        return null;

        bool IsFar(double value, double another) => !value.Equals(another) && !(Math.Abs(value - another) <= tolerance);
    }
}
