namespace MlNetFineTune.Reporting;

/// <summary>A value of a metric.</summary>
/// <param name="Key">Name of the metric.</param>
/// <param name="Value">The value, finite.</param>
/// <param name="Timestamp">Milliseconds since 1970, UTC.</param>
/// <param name="Step">Steps completed.</param>
internal readonly record struct MlflowMetric(string Key, double Value, long Timestamp, int Step);
