using MlNetFineTune.Data;

namespace MlNetFineTune;

// Automatic policies: operations drawn at random from a published list, with torchvision's magnitudes.
public abstract partial record Augmentation
{
    /// <summary>
    /// So many operations one after another, each drawn from the same fourteen, all of one magnitude (Cubuk et al. 2020,
    /// https://arxiv.org/abs/1909.13719); operations and magnitudes are those of torchvision's <c>RandAugment</c>. Geometry is bilinear.
    /// </summary>
    /// <param name="count">How many operations, one after another. 1 to 16. Default 2.</param>
    /// <param name="magnitude">How strong they are, in steps. 0 to <paramref name="bins"/> - 1. Default 9.</param>
    /// <param name="bins">Into how many steps magnitudes are divided. 2 to 1000. Default 31.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation RandAugment(int count = 2, int magnitude = 9, int bins = 31) => new RandAugment(count, magnitude, bins);

    /// <summary>
    /// One operation, drawn from fourteen, with a magnitude drawn from a wide range: nothing to tune (Müller and Hutter 2021,
    /// https://arxiv.org/abs/2103.10158); operations and magnitudes are those of torchvision's <c>TrivialAugmentWide</c>. Geometry is
    /// bilinear, and translations, 32 pixels at most there, are at most a seventh of the side: the same at 224 pixels.
    /// </summary>
    /// <param name="bins">Into how many steps magnitudes are divided. 2 to 1000. Default 31.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public static Augmentation TrivialAugmentWide(int bins = 31) => new TrivialAugmentWide(bins);

    /// <summary>
    /// The picture mixed with the mean of several chains of operations on it (Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781);
    /// operations and magnitudes are those of torchvision's <c>AugMix</c>, without the paper's consistency loss. The slowest of the
    /// policies: every chain is a picture drawn from the finished pixels, so it shows the mean colour where it looks beyond their edge.
    /// Geometry is bilinear, and comes first in a chain.
    /// </summary>
    /// <param name="severity">Magnitudes are drawn from the weakest so many of ten. 1 to 10. Default 3.</param>
    /// <param name="mixtureWidth">Number of chains. 1 to 16. Default 3.</param>
    /// <param name="chainDepth">Operations of a chain. 1 to 16; 0 (the default) draws 1 to 3 for each chain.</param>
    /// <param name="alpha">
    /// Concentration of the Dirichlet distributions that the weights are drawn from. 0.01 to 100; the larger, the more even the weights.
    /// Default 1.
    /// </param>
    /// <param name="allOperations">
    /// Whether brightness, saturation, contrast and sharpness take part, which overlap with the corruptions of ImageNet-C. Default true.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation AugMix(
        int severity = 3, int mixtureWidth = 3, int chainDepth = 0, float alpha = 1, bool allOperations = true) =>
        new AugMix(severity, mixtureWidth, chainDepth, alpha, allOperations);
}
