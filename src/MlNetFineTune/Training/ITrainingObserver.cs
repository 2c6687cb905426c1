namespace MlNetFineTune.Training;

/// <summary>Hears of a training and changes nothing. Called on the training thread.</summary>
internal interface ITrainingObserver
{
    /// <param name="step">From 1, over the whole run.</param>
    /// <param name="rows">Of this step.</param>
    /// <param name="loss">Of this step's rows alone; may be no number.</param>
    /// <param name="learningRate">Of the head.</param>
    void AfterStep(int step, int rows, double loss, double learningRate);

    /// <param name="epochs">All that are complete, in order.</param>
    /// <param name="step">The last one of the epoch.</param>
    void AfterEpoch(IReadOnlyList<TrainingReport.EpochReport> epochs, int step);
}
