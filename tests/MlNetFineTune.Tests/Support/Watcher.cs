using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.Support;

/// <summary>Receives progress on the training thread (<see cref="Progress{T}"/> posts it), records it, and may run an action.</summary>
internal sealed class Watcher(Action<TrainingProgress>? act = null) : IProgress<TrainingProgress>
{
    public List<TrainingProgress> Seen { get; } = [];

    public void Report(TrainingProgress value)
    {
        Seen.Add(value);
        act?.Invoke(value);
    }
}
