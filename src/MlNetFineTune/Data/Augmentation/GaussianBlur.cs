using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.GaussianBlur"/>
internal sealed record GaussianBlur : Augmentation
{
    public GaussianBlur(int kernelSize = 5, float minimumSigma = 0.1f, float maximumSigma = 2)
    {
        if (kernelSize is < 3 or > 63 || kernelSize % 2 == 0)
            throw new ArgumentOutOfRangeException(nameof(kernelSize), kernelSize, "It must be odd and between 3 and 63.");
        if (!(minimumSigma >= 0.01f && minimumSigma <= maximumSigma && maximumSigma <= 100))
        {
            throw new ArgumentOutOfRangeException(
                nameof(minimumSigma),
                $"The standard deviations must satisfy 0.01 <= minimum <= maximum <= 100, but are {minimumSigma} and {maximumSigma}.");
        }
        (KernelSize, MinimumSigma, MaximumSigma) = (kernelSize, minimumSigma, maximumSigma);
    }

    public int KernelSize { get; }

    public float MinimumSigma { get; }

    public float MaximumSigma { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random) =>
        plan.Add(NeighborFilters.GaussianBlur, random.NextDouble(MinimumSigma, MaximumSigma), this);
}
