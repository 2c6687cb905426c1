using MlNetFineTune.Data;

namespace MlNetFineTune;

// Colours and sharpness: what acts on the drawn pixels, in the order of the sequence.
public abstract partial record Augmentation
{
    /// <summary>
    /// Changes brightness, contrast, saturation and hue, each by a uniform random amount, in random order: torchvision's
    /// <c>ColorJitter</c>. A factor lies between 1 - amount and 1 + amount, but not below 0.
    /// </summary>
    /// <param name="brightness">Greatest change of the factor. 0 (the default, brightness stays) to 10.</param>
    /// <param name="contrast">Greatest change of the factor. 0 (the default) to 10.</param>
    /// <param name="saturation">Greatest change of the factor. 0 (the default) to 10.</param>
    /// <param name="hue">Greatest turn, as a share of the circle of hues. 0 (the default) to 0.5. The slowest of the four.</param>
    /// <exception cref="ArgumentOutOfRangeException">An amount is out of range.</exception>
    public static Augmentation ColorJitter(float brightness = 0, float contrast = 0, float saturation = 0, float hue = 0) =>
        new ColorJitter(brightness, contrast, saturation, hue);

    /// <summary>Takes the colours out, with a probability: torchvision's <c>RandomGrayscale</c> (ITU-R BT.601 luma).</summary>
    /// <param name="probability">Share of the pictures that are made grey. 0 to 1. Default 0.1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation Grayscale(float probability = 0.1f) => new Grayscale(probability);

    /// <summary>
    /// Stretches each channel from its darkest and brightest value to 0 and 255, with a probability: torchvision's
    /// <c>RandomAutocontrast</c>.
    /// </summary>
    /// <param name="probability">Share of the pictures that are stretched. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation AutoContrast(float probability = 0.5f) => new AutoContrast(probability);

    /// <summary>
    /// Makes the values of each channel about equally frequent, with a probability: torchvision's <c>RandomEqualize</c>.
    /// </summary>
    /// <param name="probability">Share of the pictures that are equalized. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation Equalize(float probability = 0.5f) => new Equalize(probability);

    /// <summary>Makes a negative, with a probability: torchvision's <c>RandomInvert</c>.</summary>
    /// <param name="probability">Share of the pictures that are inverted. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation Invert(float probability = 0.5f) => new Invert(probability);

    /// <summary>Keeps the upper bits of each channel, with a probability: torchvision's <c>RandomPosterize</c>.</summary>
    /// <param name="bits">How many bits are kept. 0 to 8; 8 changes nothing.</param>
    /// <param name="probability">Share of the pictures that are posterized. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation Posterize(int bits, float probability = 0.5f) => new Posterize(bits, probability);

    /// <summary>Inverts what is bright, with a probability: torchvision's <c>RandomSolarize</c>.</summary>
    /// <param name="threshold">Values from here on, of 0 to 255, are inverted. 0 to 256; 256 changes nothing.</param>
    /// <param name="probability">Share of the pictures that are solarized. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation Solarize(float threshold, float probability = 0.5f) => new Solarize(threshold, probability);

    /// <summary>Smooths or sharpens by a factor, with a probability: torchvision's <c>RandomAdjustSharpness</c>.</summary>
    /// <param name="factor">0 smooths, 1 changes nothing, 2 sharpens twice as much. 0 to 100.</param>
    /// <param name="probability">Share of the pictures that are changed. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation Sharpness(float factor, float probability = 0.5f) => new Sharpness(factor, probability);

    /// <summary>
    /// Blurs with a Gaussian kernel, of a standard deviation that is uniform between two bounds: torchvision's <c>GaussianBlur</c>.
    /// </summary>
    /// <param name="kernelSize">
    /// Width and height of the kernel, in pixels of the network's input. Odd, 3 to 63. Default 5.
    /// </param>
    /// <param name="minimumSigma">
    /// Least standard deviation, in pixels. At least 0.01, at most <paramref name="maximumSigma"/>. Default 0.1.
    /// </param>
    /// <param name="maximumSigma">Greatest standard deviation, in pixels. At most 100. Default 2.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range, or the bounds are in the wrong order.</exception>
    public static Augmentation GaussianBlur(int kernelSize = 5, float minimumSigma = 0.1f, float maximumSigma = 2) =>
        new GaussianBlur(kernelSize, minimumSigma, maximumSigma);
}
