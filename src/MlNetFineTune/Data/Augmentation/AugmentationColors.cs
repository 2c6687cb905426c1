using MlNetFineTune.Data;

namespace MlNetFineTune;

// Colours and sharpness: operations on the resampled pixels, in the order of the sequence.
public abstract partial record Augmentation
{
    /// <summary>
    /// Changes brightness, contrast, saturation and hue, each by a uniform random amount, in random order: torchvision's
    /// <c>ColorJitter</c>. Each factor is uniform between max(0, 1 - amount) and 1 + amount.
    /// </summary>
    /// <param name="brightness">Largest change of the brightness factor. 0 to 10. Default 0: no change.</param>
    /// <param name="contrast">Largest change of the contrast factor. 0 to 10. Default 0: no change.</param>
    /// <param name="saturation">Largest change of the saturation factor. 0 to 10. Default 0: no change.</param>
    /// <param name="hue">
    /// Largest rotation of the hue, as a fraction of the hue circle. 0 to 0.5. Default 0: no change. The slowest of the four.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">An amount is out of range.</exception>
    public static Augmentation ColorJitter(float brightness = 0, float contrast = 0, float saturation = 0, float hue = 0) =>
        new ColorJitter(brightness, contrast, saturation, hue);

    /// <summary>Converts pictures to greyscale with a probability: torchvision's <c>RandomGrayscale</c> (ITU-R BT.601 luma).</summary>
    /// <param name="probability">Fraction of the pictures that become grey. 0 to 1. Default 0.1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation Grayscale(float probability = 0.1f) => new Grayscale(probability);

    /// <summary>
    /// Stretches each channel so that its smallest and largest value become 0 and 255, with a probability: torchvision's
    /// <c>RandomAutocontrast</c>.
    /// </summary>
    /// <param name="probability">Fraction of the pictures that are stretched. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation AutoContrast(float probability = 0.5f) => new AutoContrast(probability);

    /// <summary>
    /// Equalizes the histogram of each channel with a probability: torchvision's <c>RandomEqualize</c>.
    /// </summary>
    /// <param name="probability">Fraction of the pictures that are equalized. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation Equalize(float probability = 0.5f) => new Equalize(probability);

    /// <summary>Inverts all values with a probability: torchvision's <c>RandomInvert</c>.</summary>
    /// <param name="probability">Fraction of the pictures that are inverted. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation Invert(float probability = 0.5f) => new Invert(probability);

    /// <summary>Reduces each channel to its upper bits with a probability: torchvision's <c>RandomPosterize</c>.</summary>
    /// <param name="bits">Number of bits that remain. 0 to 8; 8 changes nothing.</param>
    /// <param name="probability">Fraction of the pictures that are posterized. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation Posterize(int bits, float probability = 0.5f) => new Posterize(bits, probability);

    /// <summary>Inverts values from a threshold on with a probability: torchvision's <c>RandomSolarize</c>.</summary>
    /// <param name="threshold">Smallest value (of 0 to 255) that is inverted. 0 to 256; 256 changes nothing.</param>
    /// <param name="probability">Fraction of the pictures that are solarized. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation Solarize(float threshold, float probability = 0.5f) => new Solarize(threshold, probability);

    /// <summary>Smooths or sharpens by a factor with a probability: torchvision's <c>RandomAdjustSharpness</c>.</summary>
    /// <param name="factor">Sharpness factor: 0 smooths, 1 changes nothing, 2 sharpens. 0 to 100.</param>
    /// <param name="probability">Fraction of the pictures that are changed. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation Sharpness(float factor, float probability = 0.5f) => new Sharpness(factor, probability);

    /// <summary>
    /// Blurs with a Gaussian kernel whose standard deviation is uniform between two bounds: torchvision's <c>GaussianBlur</c>.
    /// </summary>
    /// <param name="kernelSize">
    /// Width and height of the kernel, in pixels of the network's input. Odd, 3 to 63. Default 5.
    /// </param>
    /// <param name="minimumSigma">
    /// Smallest standard deviation, in pixels. At least 0.01, at most <paramref name="maximumSigma"/>. Default 0.1.
    /// </param>
    /// <param name="maximumSigma">Largest standard deviation, in pixels. At most 100. Default 2.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range, or the bounds are in the wrong order.</exception>
    public static Augmentation GaussianBlur(int kernelSize = 5, float minimumSigma = 0.1f, float maximumSigma = 2) =>
        new GaussianBlur(kernelSize, minimumSigma, maximumSigma);
}
