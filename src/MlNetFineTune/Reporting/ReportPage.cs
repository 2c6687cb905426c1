using MlNetFineTune.Training;

namespace MlNetFineTune.Reporting;

/// <summary>The training report as one HTML file.</summary>
internal static class ReportPage
{
    public static string Of(RunRecord run)
    {
        Markup content = $"""
            <h1>Fine-tuning <bdi>{run.Name}</bdi></h1>
            <p class="lead">{Ending(run.Report)}</p>
            {Tiles(run)}
            {Curves.Of(run)}
            {run.BatchSheet}
            {run.Sections.Select(new SectionDrawing(run.Rows, run.Heat).Of)}
            {LayerTable.Of(run.Report.Layers)}
            {Again(run)}
            """;
        return PageFrame.Of($"Fine-tuning {run.Name}", content);
    }

    private static Markup Ending(TrainingReport report)
    {
        var end = report.End switch
        {
            TrainingReport.EndReason.Completed => "All epochs were run",
            TrainingReport.EndReason.EarlyStopped => "Stopped early, as validation improved no more",
            TrainingReport.EndReason.Stopped => "Stopped as asked",
            _ => $"Ended: {report.End}",
        };
        if (report.Averaged is { } average)
        {
            var parts = average.Epochs.Zip(average.Shares, (epoch, share) => FormattableString.Invariant($"{epoch} ({share * 100:0} %)"));
            return $"{end}; the model is the average of the weights of epochs {string.Join(", ", parts)}.";
        }
        return report.BestEpoch > 0 ? (Markup)$"{end}; the model is that of epoch {report.BestEpoch} of {report.Epochs.Count}."
            : $"{end}; no epoch was complete.";
    }

    private static Markup Tiles(RunRecord run)
    {
        var report = run.Report;
        var best = report.BestEpoch > 0 ? report.Epochs[report.BestEpoch - 1] : null;
        var (metrics, validationLoss) = report.Averaged is { } average ? (average.Metrics, average.ValidationLoss)
            : (best?.Metrics, best?.ValidationLoss);
        (string Name, string? Value)[] tiles =
        [
            .. metrics?.Select(metric => (MetricNames.OnPages(metric.Key), (string?)MetricNames.Value(metric.Key, metric.Value))) ?? [],
            ("validation loss", validationLoss is { } loss ? FormattableString.Invariant($"{loss:0.0000}") : null),
            ("training loss", best is null || report.Averaged is not null ? null : FormattableString.Invariant($"{best.Loss:0.0000}")),
            ("rows that train / validate", FormattableString.Invariant($"{report.TrainingRows:N0} / {report.ValidationRows:N0}")),
            ("parameters that train", FormattableString.Invariant(
                $"{report.TrainedParameters:N0} of {report.TrainedParameters + report.FrozenParameters:N0}")),
            ("time", report.Duration.TotalMinutes < 1 ? FormattableString.Invariant($"{report.Duration.TotalSeconds:0.0} s")
                : report.Duration.ToString(@"h\:mm\:ss", System.Globalization.CultureInfo.InvariantCulture)),
        ];
        return $"""<dl class="tiles">{tiles.Where(tile => tile.Value is not null).Select(Tile)}</dl>""";

        static Markup Tile((string Name, string? Value) tile) => $"<div><dt>{tile.Name}</dt><dd>{tile.Value}</dd></div>";
    }

    private static Markup Again(RunRecord run)
    {
        return $"""
            <section><h2>To do the same again</h2>
            <div class="pairs"><div><h3>Options</h3><dl>{run.Options.Select(option => Pair(option.Key, option.Value))}</dl></div>
            <div><h3>Everything else</h3><dl>{run.Facts.Select(fact => Pair(fact.Name, fact.Value))}</dl></div></div>
            <p class="note">The same data, options, seed and thread count give the same weights on the same kind of CPU.</p></section>
            """;

        static Markup Pair(string name, string value) => $"<dt>{name}</dt><dd><bdi>{value}</bdi></dd>";
    }
}
