namespace PhotoDesk;

/// <summary>A model that was made, and how it did when it was.</summary>
/// <param name="Id">1 is the embedded one.</param>
/// <param name="CreatedAt">When its training ended.</param>
/// <param name="Active">It is served.</param>
/// <param name="Previous">It was served before: a roll back goes to it.</param>
/// <param name="TrainingId">That made it; null for the embedded one.</param>
/// <param name="Accuracy">On the photos that were held out then.</param>
/// <param name="F1">The same, mean of the classes.</param>
/// <param name="HeldOut">How many those were.</param>
/// <param name="Corrections">Labelled photos that it has learned from, beside the embedded ones.</param>
internal sealed record ModelInfo(
    long Id, DateTimeOffset CreatedAt, bool Active, bool Previous, long? TrainingId, double Accuracy, double F1, int HeldOut,
    int Corrections);

/// <summary>How well a model does.</summary>
internal sealed record Quality(double Accuracy, double F1, int HeldOut);
