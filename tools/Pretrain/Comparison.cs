using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;

namespace Pretrain;

/// <summary>Test metrics of one kind of model over the seeds.</summary>
/// <param name="name">Its name in the table.</param>
internal sealed class Comparison(string name)
{
    private readonly List<(double Accuracy, double F1)> _results = [];

    /// <summary>Prints the header of the rows.</summary>
    public static void WriteHeader(string first) => Console.WriteLine($"| {first} | accuracy | F1 |\n|---|---|---|");

    /// <returns>The result in words.</returns>
    public string Add(MulticlassClassificationMetrics metrics)
    {
        var result = (Accuracy: metrics.MicroAccuracy, F1: metrics.F1().Macro);
        _results.Add(result);
        return string.Create(CultureInfo.InvariantCulture, $"accuracy {result.Accuracy:0.000}, F1 {result.F1:0.000}");
    }

    /// <summary>Mean and standard deviation, as a row of a table.</summary>
    public override string ToString() =>
        $"| {name} | {Spread([.. _results.Select(r => r.Accuracy)])} | {Spread([.. _results.Select(r => r.F1)])} |";

    private static string Spread(double[] values)
    {
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / Math.Max(values.Length - 1, 1));
        return string.Create(CultureInfo.InvariantCulture, $"{mean:0.000} ± {deviation:0.000}");
    }
}
