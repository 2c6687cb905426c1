using System.Diagnostics;
using System.Globalization;
using TorchSharp;

namespace MlNetFineTune.Soak;

/// <summary>What the process holds at the end of a cycle, while nothing is trained or scored.</summary>
/// <param name="Minutes">Since the start.</param>
/// <param name="Trainings">Number of trainings so far.</param>
/// <param name="Answers">Number of rows answered so far.</param>
/// <param name="Resident">Resident memory as the cycle leaves it, in bytes.</param>
/// <param name="Native">Bytes of native objects.</param>
/// <param name="Managed">Bytes of .NET objects after a full collection.</param>
/// <param name="Tensors">Live tensors of TorchSharp.</param>
/// <param name="Handles">Open handles; on Linux file descriptors.</param>
/// <param name="Threads">Threads of the process.</param>
/// <param name="Files">Files in the temporary folder.</param>
internal sealed record SoakSample(
    double Minutes, int Trainings, long Answers, long Resident, long Native, long Managed, long Tensors, int Handles, int Threads,
    int Files)
{
    public const string Header = "minutes  trainings  answers  resident MiB  native MiB  managed MiB  tensors  handles  threads  files";

    /// <param name="elapsed">Since the start.</param>
    /// <param name="trainings">Number of trainings so far.</param>
    /// <param name="answers">Number of rows answered so far.</param>
    /// <param name="temporary">The temporary folder.</param>
    /// <param name="miscounted">Tensors that TorchSharp counts though they are gone.</param>
    public static SoakSample Take(TimeSpan elapsed, int trainings, long answers, string temporary, long miscounted)
    {
        var resident = Environment.WorkingSet;
        // Twice: finalizers that the first collection finds let go of what the second one collects.
        for (var i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        using var process = Process.GetCurrentProcess();
        return new SoakSample(
            elapsed.TotalMinutes, trainings, answers, resident, NativeHeap.InUse(), GC.GetTotalMemory(forceFullCollection: false),
            torch.Tensor.TotalCount - miscounted, process.HandleCount, process.Threads.Count,
            Directory.EnumerateFiles(temporary, "*", SearchOption.AllDirectories).Count());
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Minutes,7:0.0}{Trainings,11}{Answers,9}{Resident / 1048576.0,14:0.0}{Native / 1048576.0,12:0.0}"
        + $"{Managed / 1048576.0,13:0.00}{Tensors,9}{Handles,9}{Threads,9}{Files,7}");
}
