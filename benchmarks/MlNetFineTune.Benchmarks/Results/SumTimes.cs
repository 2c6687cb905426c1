using System.Diagnostics;

namespace MlNetFineTune.Benchmarks;

/// <summary>When one process started a sum of gradients, and when it knew that the sum was complete.</summary>
/// <param name="Started">Of <see cref="Stopwatch.GetTimestamp"/>, which all processes of a machine read from one clock.</param>
/// <param name="Completed">Likewise.</param>
internal readonly record struct SumTimes(long Started, long Completed);
