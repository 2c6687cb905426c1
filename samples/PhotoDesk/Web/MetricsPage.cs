using System.Globalization;
using System.Text;
using TorchSharp;

namespace PhotoDesk;

/// <summary>All metrics in the Prometheus text format, version 0.0.4.</summary>
internal sealed class MetricsPage(RequestMetrics requests, UploadMemory uploads, ServedModel served, TrainingFeed trainings)
{
    public string Write()
    {
        var page = new StringBuilder();
        WriteRequests(page, requests.Summaries());

        Write(page, "photodesk_upload_bytes", "gauge", "Bytes of uploads in memory: received, waiting, worked on.", uploads.Held);

        var predictor = served.Metrics;
        Write(page, "photodesk_predictor_waiting", "gauge", "Photos that wait to be scored.", predictor.Waiting);
        Write(page, "photodesk_predictor_batches_total", "counter", "Batches scored.", predictor.Batches);
        Write(page, "photodesk_predictor_photos_total", "counter", "Photos scored.", predictor.Rows);
        Write(page, "photodesk_predictor_failed_total", "counter", "Photos that could not be scored.", predictor.Failed);
        Write(page, "photodesk_predictor_refused_total", "counter", "Photos that found the queue full.", predictor.Refused);
        Write(page, "photodesk_predictor_longest_batch_seconds", "gauge", "The longest batch.", predictor.LongestBatch.TotalSeconds);
        Write(page, "photodesk_model_id", "gauge", "The model that is served.", served.Id);

        var training = trainings.Now;
        Head(page, "photodesk_training_state", "gauge", "1 for the state of the training that goes on.");
        foreach (var state in (TrainingState[])[TrainingState.Queued, TrainingState.Running, TrainingState.Stopping])
            Line(page, "photodesk_training_state", $"{{state=\"{state.ToString().ToLowerInvariant()}\"}}",
                training?.State == state ? 1 : 0);
        Write(page, "photodesk_training_fraction", "gauge", "Of its work that is done.", training?.Fraction ?? 0);

        Write(page, "photodesk_tensors", "gauge", "Tensors that are alive.", torch.Tensor.TotalCount);
        Write(page, "dotnet_gc_heap_bytes", "gauge", "Managed memory in use.", GC.GetTotalMemory(forceFullCollection: false));
        Write(page, "process_resident_memory_bytes", "gauge", "Memory of the process.", Environment.WorkingSet);
        Write(page, "process_cpu_seconds_total", "counter", "Processor time.", Environment.CpuUsage.TotalTime.TotalSeconds);
        return page.ToString();
    }

    private static void WriteRequests(StringBuilder page, IReadOnlyList<RouteSummary> routes)
    {
        Head(page, "photodesk_requests_total", "counter", "Requests answered.");
        foreach (var route in routes)
        {
            foreach (var (status, count) in route.ByStatus)
                Line(page, "photodesk_requests_total", $"{{route=\"{route.Route}\",status=\"{status}\"}}", count);
        }
        Head(page, "photodesk_request_seconds", "summary", "Durations: quantiles of the last 1024 of each route, sum and count of all.");
        foreach (var route in routes.Where(route => route.Measured > 0))
        {
            foreach (var quantile in (double[])[0.5, 0.95, 0.99])
                Line(page, "photodesk_request_seconds",
                    string.Create(CultureInfo.InvariantCulture, $"{{route=\"{route.Route}\",quantile=\"{quantile}\"}}"),
                    route.Quantile(quantile));
            Line(page, "photodesk_request_seconds_sum", $"{{route=\"{route.Route}\"}}", route.Seconds);
            Line(page, "photodesk_request_seconds_count", $"{{route=\"{route.Route}\"}}", route.Measured);
        }
    }

    private static void Write(StringBuilder page, string name, string type, string help, double value)
    {
        Head(page, name, type, help);
        Line(page, name, "", value);
    }

    private static void Head(StringBuilder page, string name, string type, string help) =>
        page.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");

    private static void Line(StringBuilder page, string name, string labels, double value) =>
        page.Append(CultureInfo.InvariantCulture, $"{name}{labels} {value}\n");
}
