namespace MlNetFineTune.Networks;

/// <summary>What comes out of a graph, under a name that others rely on.</summary>
/// <param name="Value">[N, <paramref name="Length"/>].</param>
/// <param name="Length">Numbers a row.</param>
internal sealed record GraphOutput(GraphValue Value, int Length)
{
    public const string Logits = "logits";
    public const string Probabilities = "probabilities";
    public const string Predicted = "predicted";
    public const string Logit = "logit";
    public const string Probability = "probability";
    public const string Score = "score";
    public const string PredictionSet = "prediction_set";
    public const string Novelty = "novelty";
    public const string Rejected = "rejected";

    /// <summary>Prefix of the names of one of several heads' outputs.</summary>
    public static string PrefixOf(string label) => label + ".";
}
