namespace MlNetFineTune.Training;

/// <summary>Several observers as one.</summary>
internal sealed class TrainingObservers : ITrainingObserver
{
    private readonly IReadOnlyList<ITrainingObserver> _all;

    private TrainingObservers(IReadOnlyList<ITrainingObserver> all) => _all = all;

    /// <returns>Null for none.</returns>
    public static ITrainingObserver? Of(params ReadOnlySpan<ITrainingObserver?> observers)
    {
        List<ITrainingObserver> present = [];
        foreach (var observer in observers)
        {
            if (observer is not null)
                present.Add(observer);
        }
        return present.Count > 1 ? new TrainingObservers(present) : present.SingleOrDefault();
    }

    public void AfterStep(int step, int rows, double loss, double learningRate)
    {
        foreach (var observer in _all)
            observer.AfterStep(step, rows, loss, learningRate);
    }

    public void AfterEpoch(IReadOnlyList<TrainingReport.EpochReport> epochs, int step)
    {
        foreach (var observer in _all)
            observer.AfterEpoch(epochs, step);
    }
}
