namespace MlNetFineTune.Scoring;

/// <summary>In which numbers a model's weights are written.</summary>
internal enum WeightPrecision
{
    Float32,

    /// <summary>As <see cref="HalfWeights"/> says.</summary>
    Float16,
}
