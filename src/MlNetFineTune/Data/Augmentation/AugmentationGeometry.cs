using MlNetFineTune.Data;

namespace MlNetFineTune;

// Geometric operations, combined to one resampling pass over the source picture.
public abstract partial record Augmentation
{
    /// <summary>
    /// Crops a random region and resizes it to the network's input size (Szegedy et al. 2014, section 6, https://arxiv.org/abs/1409.4842).
    /// The region's area is uniform between the two areas, the logarithm of its aspect ratio uniform between those of the two ratios. As in
    /// torchvision, it is drawn up to ten times until it fits into the picture; otherwise the largest central region is taken.
    /// </summary>
    /// <param name="minimumArea">
    /// Smallest fraction of the picture's area. Above 0, at most <paramref name="maximumArea"/>. Default 0.08.
    /// </param>
    /// <param name="maximumArea">Largest fraction of the picture's area. At most 1, the default.</param>
    /// <param name="minimumRatio">Smallest ratio of width to height. Above 0, at most <paramref name="maximumRatio"/>. Default 3/4.</param>
    /// <param name="maximumRatio">Largest ratio of width to height. Finite. Default 4/3.</param>
    /// <exception cref="ArgumentOutOfRangeException">Areas or ratios are out of range or in the wrong order.</exception>
    public static Augmentation RandomResizedCrop(
        float minimumArea = 0.08f, float maximumArea = 1, float minimumRatio = 3f / 4, float maximumRatio = 4f / 3) =>
        new RandomResizedCrop(minimumArea, maximumArea, minimumRatio, maximumRatio);

    /// <summary>
    /// Crops a square of the network's input size at a random position: the shorter side becomes <c>Size / CropFraction</c> pixels, as in
    /// <see cref="ImagePreprocessing"/>, the picture is padded with the mean colour, and the position is uniform. torchvision's
    /// <c>Resize</c> and <c>RandomCrop(padding)</c>; with a padding of 4 the usual augmentation for CIFAR.
    /// </summary>
    /// <param name="padding">Padding on each side, in pixels of the network's input. 0 to 4096. Default 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The padding is out of range.</exception>
    public static Augmentation RandomCrop(int padding = 0) => new RandomCrop(padding);

    /// <summary>
    /// Mirrors the picture horizontally with a probability. Not for text, digits or other subjects whose handedness matters.
    /// </summary>
    /// <param name="probability">Fraction of the pictures that are mirrored. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation HorizontalFlip(float probability = 0.5f) => new HorizontalFlip(probability);

    /// <summary>
    /// Mirrors the picture vertically with a probability. For pictures without a preferred orientation, such as microscope or aerial
    /// images.
    /// </summary>
    /// <param name="probability">Fraction of the pictures that are flipped. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation VerticalFlip(float probability = 0.5f) => new VerticalFlip(probability);

    /// <summary>
    /// Rotates the picture about its centre by an angle that is uniform between -<paramref name="degrees"/> and <paramref name="degrees"/>:
    /// torchvision's <c>RandomRotation</c>, bilinear. Areas beyond the crop show the source picture if it extends there, otherwise the mean
    /// colour.
    /// </summary>
    /// <param name="degrees">Largest angle in either direction, in degrees. 0 to 180.</param>
    /// <exception cref="ArgumentOutOfRangeException">The angle is out of range.</exception>
    public static Augmentation Rotation(float degrees) => new Rotation(degrees);

    /// <summary>
    /// Rotates, translates, scales and shears the picture about its centre, each by a uniform random amount: torchvision's
    /// <c>RandomAffine</c>, bilinear. Areas beyond the crop show the source picture if it extends there, otherwise the mean colour.
    /// </summary>
    /// <param name="degrees">Largest rotation in either direction, in degrees. 0 to 180. Default 0.</param>
    /// <param name="translateX">Largest horizontal translation, as a fraction of the width. 0 to 1. Default 0.</param>
    /// <param name="translateY">Largest vertical translation, as a fraction of the height. 0 to 1. Default 0.</param>
    /// <param name="minimumScale">
    /// Smallest scale; below 1 the picture shrinks. At least 0.01, at most <paramref name="maximumScale"/>. Default 1.
    /// </param>
    /// <param name="maximumScale">Largest scale. At most 100. Default 1.</param>
    /// <param name="shearX">Largest horizontal shear angle (of vertical lines), in degrees. 0 to 80. Default 0.</param>
    /// <param name="shearY">Largest vertical shear angle (of horizontal lines), in degrees. 0 to 80. Default 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range, or the scales are in the wrong order.</exception>
    public static Augmentation Affine(
        float degrees = 0,
        float translateX = 0,
        float translateY = 0,
        float minimumScale = 1,
        float maximumScale = 1,
        float shearX = 0,
        float shearY = 0) =>
        new Affine(degrees, translateX, translateY, minimumScale, maximumScale, shearX, shearY);

    /// <summary>
    /// Applies a random perspective with a probability: each corner moves inward by a uniform random amount, as in torchvision's
    /// <c>RandomPerspective</c>, bilinear. Areas beyond the crop show the source picture if it extends there, otherwise the mean colour.
    /// </summary>
    /// <param name="distortion">
    /// Largest movement of a corner, as a fraction of half the height and width. 0 to 1 (the picture's centre). Default 0.5.
    /// </param>
    /// <param name="probability">Fraction of the pictures that are distorted. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation Perspective(float distortion = 0.5f, float probability = 0.5f) => new Perspective(distortion, probability);
}
