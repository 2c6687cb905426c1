namespace PhotoDesk;

/// <summary>A trained model and its evaluation at that time.</summary>
/// <param name="Id">Number of the model; 1 is the embedded one.</param>
/// <param name="CreatedAt">End of its training.</param>
/// <param name="Active">Whether it is served.</param>
/// <param name="Previous">Whether it was served before: the target of a roll-back.</param>
/// <param name="TrainingId">Its training; null for the embedded model.</param>
/// <param name="Accuracy">Accuracy on the held-out photos of that time, 0 to 1.</param>
/// <param name="F1">Macro F1 on the same photos, 0 to 1.</param>
/// <param name="HeldOut">Number of these photos.</param>
/// <param name="Corrections">Number of labelled photos in its training, without the embedded ones.</param>
internal sealed record ModelInfo(
    long Id, DateTimeOffset CreatedAt, bool Active, bool Previous, long? TrainingId, double Accuracy, double F1, int HeldOut,
    int Corrections);

/// <summary>Metrics of a model.</summary>
internal sealed record Quality(double Accuracy, double F1, int HeldOut);
