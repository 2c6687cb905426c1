namespace MlNetFineTune.Hosting;

/// <summary>The name of a predictor: the key of its service and of its options; empty for the one without a name.</summary>
internal sealed record PredictorName(string Key)
{
    /// <summary>In metrics and traces.</summary>
    public string Tag => Key.Length == 0 ? "default" : Key;

    /// <summary>In messages.</summary>
    public override string ToString() => Key.Length == 0 ? "The predictor" : $"Predictor '{Key}'";
}
