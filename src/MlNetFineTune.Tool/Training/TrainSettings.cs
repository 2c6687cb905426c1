namespace MlNetFineTune.Tool;

/// <summary>What a <see cref="TrainRun"/> trains and writes.</summary>
/// <param name="Train">The training rows.</param>
/// <param name="Test">Rows for evaluating the finished model; null for none.</param>
/// <param name="Options">The network and how it is trained, for the kind of the rows.</param>
/// <param name="Output">Path of the model's zip.</param>
internal sealed record TrainSettings(LabeledRows Train, LabeledRows? Test, FineTuningOptions Options, string Output)
{
    /// <summary>Path of an HTML file for an examination of the photos before the training; null for none.</summary>
    public string? Examine { get; init; }

    /// <summary>Folder for the test photos with heat maps of the predictions; null for none.</summary>
    public string? Explain { get; init; }

    /// <summary>Path of the model card; null for none.</summary>
    public string? Card { get; init; }
}
