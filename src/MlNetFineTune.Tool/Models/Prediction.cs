namespace MlNetFineTune.Tool;

/// <summary>What a model says of one input.</summary>
/// <param name="Input">The path or the text.</param>
/// <param name="Class">The most probable class; null if the input cannot be read.</param>
/// <param name="Probability">Its probability.</param>
/// <param name="Probabilities">The probability of each class; null if the input cannot be read.</param>
/// <param name="Error">Why the input cannot be read; null if it can.</param>
internal sealed record Prediction(
    string Input, string? Class, float? Probability, IReadOnlyDictionary<string, float>? Probabilities, string? Error);
