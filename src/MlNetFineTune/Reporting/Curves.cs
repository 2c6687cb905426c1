using MlNetFineTune.Tasks;

namespace MlNetFineTune.Reporting;

/// <summary>The charts of the report.</summary>
internal static class Curves
{
    // More points cannot be distinguished at the charts' width.
    private const int MostPoints = 400;

    public static Markup Of(RunRecord run)
    {
        var epochs = run.Report.Epochs;
        if (epochs.Count == 0)
            return Markup.None;
        var steps = run.Steps.Where(step => step.Epoch <= epochs.Count).ToList().Thin(MostPoints);
        var x = Axis.Linear([0, epochs.Count], atLeast: epochs.Count >= 4 ? 4 : epochs.Count, exact: true);
        var mark = run.Report.BestEpoch > 0 && epochs.Any(epoch => epoch.ValidationLoss is not null)
            ? ((double)run.Report.BestEpoch, "best")
            : ((double, string)?)null;

        List<Chart> charts = [];
        Series[] losses =
        [
            new("each step", SeriesLook.Faint, [.. steps.Select(step => (step.Epoch, step.Loss))]),
            new("training", SeriesLook.First, [.. epochs.Select(epoch => (epoch.Epoch * 1.0, epoch.Loss))]),
            new("validation", SeriesLook.Second, PerEpoch(epochs, epoch => epoch.ValidationLoss)),
        ];
        losses = [.. losses.Where(series => series.Points.Count > 0)];
        charts.Add(
            new Chart("Loss", "epoch", x, Axis.Linear(losses.SelectMany(series => series.Points).Select(point => point.Y).Append(0)),
                losses)
            { Mark = mark });
        foreach (var metric in epochs.SelectMany(epoch => epoch.Metrics.Keys).Distinct())
        {
            var points = PerEpoch(epochs, epoch => epoch.Metrics.TryGetValue(metric, out var value) ? value : null);
            var title = "V" + MetricNames.OnPages(metric)[1..];
            charts.Add(new Chart(title, "epoch", x, Axis.Linear(points.Select(point => point.Y)), [new("", SeriesLook.Second, points)])
            {
                Mark = mark
            });
        }
        if (steps.Count > 0)
            charts.Add(
                new Chart("Learning rate of the head", "epoch", x, Axis.Linear(steps.Select(step => step.LearningRate).Append(0)),
                    [new("", SeriesLook.Guide, [.. steps.Select(step => (step.Epoch, step.LearningRate))])]));
        return $"""<section><h2>Curves</h2><div class="charts">{charts.Select(SvgChart.Of)}</div></section>""";
    }

    private static (double X, double Y)[] PerEpoch(
        IEnumerable<TrainingReport.EpochReport> epochs, Func<TrainingReport.EpochReport, double?> value) =>
        [.. epochs.Where(epoch => value(epoch) is not null).Select(epoch => (epoch.Epoch * 1.0, value(epoch)!.Value))];
}
