using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.Support;

/// <summary>Hears of progress on the training thread (<see cref="Progress{T}"/> would be told later), keeps it, and may act.</summary>
internal sealed class Watcher(Action<TrainingProgress>? act = null) : IProgress<TrainingProgress>
{
    public List<TrainingProgress> Seen { get; } = [];

    public void Report(TrainingProgress value)
    {
        Seen.Add(value);
        act?.Invoke(value);
    }
}
