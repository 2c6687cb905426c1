using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>The features of a frozen network as a function of its inputs.</summary>
internal abstract class FeatureFunction
{
    /// <summary>Names of the features, in order.</summary>
    public IReadOnlyList<string> Names { get; private protected set; } = [];

    /// <summary>Computes the features of a batch.</summary>
    /// <param name="network">The network, prepared for scoring.</param>
    /// <param name="inputs">The batch.</param>
    /// <returns>[N, features], in the caller's dispose scope.</returns>
    public abstract Tensor Compute(FineTunedNetwork network, ModelInputs inputs);
}
