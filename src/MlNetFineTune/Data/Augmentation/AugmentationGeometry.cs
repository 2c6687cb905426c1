using MlNetFineTune.Data;

namespace MlNetFineTune;

// Where the picture is cut, and how it is turned, mirrored and bent. All of it is drawn in one pass from the photo itself.
public abstract partial record Augmentation
{
    /// <summary>
    /// A random part of the picture, stretched to the network's input (Szegedy et al. 2014, section 6, https://arxiv.org/abs/1409.4842).
    /// The part's area is uniform between the two areas, the logarithm of its aspect ratio uniform between those of the two ratios; drawn,
    /// as in torchvision, up to ten times until it fits, else the largest central part is taken.
    /// </summary>
    /// <param name="minimumArea">Least share of the picture's area. Above 0, at most <paramref name="maximumArea"/>. Default 0.08.</param>
    /// <param name="maximumArea">Greatest share of the picture's area. At most 1, the default.</param>
    /// <param name="minimumRatio">Least width over height. Above 0, at most <paramref name="maximumRatio"/>. Default 3/4.</param>
    /// <param name="maximumRatio">Greatest width over height. Finite. Default 4/3.</param>
    /// <exception cref="ArgumentOutOfRangeException">Areas or ratios are out of range or in the wrong order.</exception>
    public static Augmentation RandomResizedCrop(
        float minimumArea = 0.08f, float maximumArea = 1, float minimumRatio = 3f / 4, float maximumRatio = 4f / 3) =>
        new RandomResizedCrop(minimumArea, maximumArea, minimumRatio, maximumRatio);

    /// <summary>
    /// The part that scoring sees, but from a random place: the shorter side becomes <c>Size / CropFraction</c> pixels, as in
    /// <see cref="ImagePreprocessing"/>, pixels of the mean colour are put around, and a square of the network's size is taken, every place
    /// equally likely. torchvision's <c>Resize</c> and <c>RandomCrop(padding)</c>; with a padding of 4 the classic of CIFAR.
    /// </summary>
    /// <param name="padding">Pixels of the network's input that are put on each side. 0 to 4096. Default 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The padding is out of range.</exception>
    public static Augmentation RandomCrop(int padding = 0) => new RandomCrop(padding);

    /// <summary>
    /// Mirrors the picture left to right with a probability. Not for text, digits, or anything else whose handedness matters.
    /// </summary>
    /// <param name="probability">Share of the pictures that are mirrored. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation HorizontalFlip(float probability = 0.5f) => new HorizontalFlip(probability);

    /// <summary>
    /// Turns the picture upside down, mirrored, with a probability. For pictures without an up, such as those of a microscope or from
    /// above.
    /// </summary>
    /// <param name="probability">Share of the pictures that are flipped. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public static Augmentation VerticalFlip(float probability = 0.5f) => new VerticalFlip(probability);

    /// <summary>
    /// Turns the picture about its centre by an angle that is uniform between -<paramref name="degrees"/> and <paramref name="degrees"/>:
    /// torchvision's <c>RandomRotation</c>, bilinear. What comes into view is real picture where there is some beyond the crop, else the
    /// mean colour.
    /// </summary>
    /// <param name="degrees">Greatest angle to either side, in degrees. 0 to 180.</param>
    /// <exception cref="ArgumentOutOfRangeException">The angle is out of range.</exception>
    public static Augmentation Rotation(float degrees) => new Rotation(degrees);

    /// <summary>
    /// Turns, moves, resizes and shears the picture about its centre, each by a uniform random amount: torchvision's <c>RandomAffine</c>,
    /// bilinear. What comes into view is real picture where there is some beyond the crop, else the mean colour.
    /// </summary>
    /// <param name="degrees">Greatest angle to either side, in degrees. 0 (the default, no turn) to 180.</param>
    /// <param name="translateX">Greatest movement to either side, as a share of the width. 0 (the default) to 1.</param>
    /// <param name="translateY">Greatest movement up or down, as a share of the height. 0 (the default) to 1.</param>
    /// <param name="minimumScale">
    /// Least enlargement; below 1 the picture shrinks. At least 0.01, at most <paramref name="maximumScale"/>. Default 1.
    /// </param>
    /// <param name="maximumScale">Greatest enlargement. At most 100. Default 1.</param>
    /// <param name="shearX">Greatest angle by which upright lines lean, in degrees. 0 (the default) to 80.</param>
    /// <param name="shearY">Greatest angle by which level lines lean, in degrees. 0 (the default) to 80.</param>
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
    /// Looks at the picture from aside, with a probability: each corner moves inward by a uniform random amount, as in torchvision's
    /// <c>RandomPerspective</c>, bilinear. What comes into view is real picture where there is some beyond the crop, else the mean colour.
    /// </summary>
    /// <param name="distortion">
    /// How far a corner moves at most, as a share of the way to the centre's height and width. 0 to 1 (the picture's centre). Default 0.5.
    /// </param>
    /// <param name="probability">Share of the pictures that are distorted. 0 to 1. Default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation Perspective(float distortion = 0.5f, float probability = 0.5f) => new Perspective(distortion, probability);
}
