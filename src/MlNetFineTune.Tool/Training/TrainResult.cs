namespace MlNetFineTune.Tool;

/// <summary>What a training made, as a document.</summary>
/// <param name="Model">Path of the model's zip.</param>
/// <param name="Card">Path of the model card; null without one.</param>
/// <param name="Classes">Names of the classes, in the order of the scores.</param>
/// <param name="TrainingRows">Number of training rows.</param>
/// <param name="ValidationRows">Number of validation rows.</param>
/// <param name="BadRows">Training rows that were left out, since they cannot be read.</param>
/// <param name="End">Why the training ended.</param>
/// <param name="BestEpoch">The epoch whose weights the model has; 0 if none was complete.</param>
/// <param name="Seconds">Duration of the training.</param>
/// <param name="Epochs">The complete epochs.</param>
/// <param name="Test">Metrics on the test rows; null without them.</param>
internal sealed record TrainResult(
    string Model, string? Card, IReadOnlyList<string> Classes, int TrainingRows, int ValidationRows, int BadRows,
    TrainingReport.EndReason End, int BestEpoch, double Seconds, IReadOnlyList<TrainingReport.EpochReport> Epochs, Evaluation? Test);
