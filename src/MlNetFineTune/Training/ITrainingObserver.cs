namespace MlNetFineTune.Training;

/// <summary>Observes a training without changing it. Called on the training thread.</summary>
internal interface ITrainingObserver
{
    /// <param name="step">Number of the step, from 1, over the whole run.</param>
    /// <param name="rows">Rows of this step.</param>
    /// <param name="loss">Loss of this step's rows; may be NaN.</param>
    /// <param name="learningRate">Learning rate of the head.</param>
    void AfterStep(int step, int rows, double loss, double learningRate);

    /// <param name="epochs">The complete epochs, in order.</param>
    /// <param name="step">The last step of the epoch.</param>
    void AfterEpoch(IReadOnlyList<TrainingReport.EpochReport> epochs, int step);
}
