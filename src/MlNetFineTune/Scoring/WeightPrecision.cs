namespace MlNetFineTune.Scoring;

/// <summary>Number format of the weights in a model file.</summary>
internal enum WeightPrecision
{
    Float32,

    /// <summary>As in <see cref="HalfWeights"/>.</summary>
    Float16,
}
