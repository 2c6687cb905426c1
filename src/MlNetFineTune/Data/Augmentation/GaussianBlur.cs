using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;






namespace MlNetFineTune;

/// <summary>Blurs by Gauss's bell of a standard deviation that is uniform between two bounds: torchvision's <c>GaussianBlur</c>.</summary>
public sealed record GaussianBlur : Augmentation
{
    /// <param name="kernelSize">Pixels, across and down, that a pixel is mixed of. Odd, 3 to 63.</param>
    /// <param name="minimumSigma">Least standard deviation in pixels. At least 0.01.</param>
    /// <param name="maximumSigma">Greatest standard deviation in pixels. At most 100.</param>
    public GaussianBlur(int kernelSize = 5, float minimumSigma = 0.1f, float maximumSigma = 2)
    {
        if (kernelSize is < 3 or > 63 || kernelSize % 2 == 0)
            throw new ArgumentOutOfRangeException(nameof(kernelSize), kernelSize, "It must be odd and between 3 and 63.");
        if (!(minimumSigma >= 0.01f && minimumSigma <= maximumSigma && maximumSigma <= 100))
            throw new ArgumentOutOfRangeException(nameof(minimumSigma), $"The standard deviations must satisfy 0.01 <= minimum <= maximum <= 100, but are {minimumSigma} and {maximumSigma}.");
        (KernelSize, MinimumSigma, MaximumSigma) = (kernelSize, minimumSigma, maximumSigma);
    }

    /// <summary>Pixels, across and down, that a pixel is mixed of.</summary>
    public int KernelSize { get; }

    /// <summary>Least standard deviation in pixels of the network's input.</summary>
    public float MinimumSigma { get; }

    /// <summary>Greatest standard deviation in pixels of the network's input.</summary>
    public float MaximumSigma { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random) =>
        plan.Add(NeighborFilters.GaussianBlur, random.NextDouble(MinimumSigma, MaximumSigma), this);
}
