using MlNetFineTune.Data;

namespace MlNetFineTune;

// Automatic policies: operations drawn at random from a published list, with torchvision's magnitudes.
public abstract partial record Augmentation
{
    /// <summary>
    /// Applies <paramref name="count"/> operations in sequence, each drawn from the same 14, all with the same magnitude (Cubuk et al.
    /// 2020, https://arxiv.org/abs/1909.13719); operations and magnitudes are those of torchvision's <c>RandAugment</c>. Geometry is
    /// bilinear.
    /// </summary>
    /// <param name="count">Number of operations. 1 to 16. Default 2.</param>
    /// <param name="magnitude">Magnitude, as the index of a bin. 0 to <paramref name="bins"/> - 1. Default 9.</param>
    /// <param name="bins">Into how many steps magnitudes are divided. 2 to 1000. Default 31.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation RandAugment(int count = 2, int magnitude = 9, int bins = 31) => new RandAugment(count, magnitude, bins);

    /// <summary>
    /// Applies one operation, drawn from 14, with a magnitude drawn from a wide range, without parameters to tune (Müller and Hutter 2021,
    /// https://arxiv.org/abs/2103.10158); operations and magnitudes are those of torchvision's <c>TrivialAugmentWide</c>. Geometry is
    /// bilinear. Translations are at most 1/7 of the side instead of 32 pixels, which is the same at 224 pixels.
    /// </summary>
    /// <param name="bins">Into how many steps magnitudes are divided. 2 to 1000. Default 31.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public static Augmentation TrivialAugmentWide(int bins = 31) => new TrivialAugmentWide(bins);

    /// <summary>
    /// Mixes the picture with a weighted mean of several chains of operations on it (Hendrycks et al. 2020,
    /// https://arxiv.org/abs/1912.02781); operations and magnitudes are those of torchvision's <c>AugMix</c>, without the paper's
    /// consistency loss. The slowest of the policies: each chain is resampled from the cropped pixels, so that areas beyond their border
    /// have the mean colour. Geometry is bilinear, and comes first in a chain.
    /// </summary>
    /// <param name="severity">Magnitudes are drawn from the lowest <c>severity</c> of 10 bins. 1 to 10. Default 3.</param>
    /// <param name="mixtureWidth">Number of chains. 1 to 16. Default 3.</param>
    /// <param name="chainDepth">Number of operations in a chain. 1 to 16; 0, the default, draws 1 to 3 for each chain.</param>
    /// <param name="alpha">
    /// Concentration of the Dirichlet distribution of the chains' weights and of the beta distribution of the original's. 0.01 to 100;
    /// larger values give more equal weights. Default 1.
    /// </param>
    /// <param name="allOperations">
    /// Whether to include brightness, saturation, contrast and sharpness, which overlap with the corruptions of ImageNet-C. Default true.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation AugMix(
        int severity = 3, int mixtureWidth = 3, int chainDepth = 0, float alpha = 1, bool allOperations = true) =>
        new AugMix(severity, mixtureWidth, chainDepth, alpha, allOperations);
}
