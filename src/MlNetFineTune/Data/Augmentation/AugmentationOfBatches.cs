using MlNetFineTune.Data;

namespace MlNetFineTune;

// Operations on normalised batches on the device, after all others: first erasing, then mixing.
public abstract partial record Augmentation
{
    /// <summary>
    /// Erases a random rectangle of a picture (Zhong et al. 2017, https://arxiv.org/abs/1708.04896) after cropping, resizing and
    /// normalisation, before batches are mixed. The rectangle's area is uniform between the two areas, the logarithm of its ratio of height
    /// to width uniform between those of the two ratios. As in torchvision, it is drawn up to ten times until it fits; otherwise nothing is
    /// erased.
    /// </summary>
    /// <param name="probability">Fraction of the pictures in which a rectangle is erased. 0 to 1. Default 0.25.</param>
    /// <param name="minimumArea">
    /// Smallest fraction of the area of the network's input. Above 0, at most <paramref name="maximumArea"/>. Default 0.02.
    /// </param>
    /// <param name="maximumArea">Largest fraction of the area of the network's input. At most 1. Default 0.33.</param>
    /// <param name="minimumRatio">Smallest ratio of height to width. Above 0, at most <paramref name="maximumRatio"/>. Default 0.3.</param>
    /// <param name="maximumRatio">Largest ratio of height to width. Finite. Default 3.3.</param>
    /// <param name="noise">
    /// True fills the rectangle with standard normal noise for each channel of each pixel (after normalisation); false, the default, with
    /// the mean colour of the preprocessing.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range, or areas or ratios are in the wrong order.</exception>
    public static Augmentation RandomErasing(
        float probability = 0.25f,
        float minimumArea = 0.02f,
        float maximumArea = 0.33f,
        float minimumRatio = 0.3f,
        float maximumRatio = 3.3f,
        bool noise = false) =>
        new RandomErasing(
            probability, minimumArea, maximumArea, minimumRatio, maximumRatio, noise ? ErasingFill.Noise : ErasingFill.Mean);

    /// <summary>
    /// Blends each picture of a batch with another one, and the labels in the same proportion (Zhang et al. 2018,
    /// https://arxiv.org/abs/1710.09412): lambda x + (1 - lambda) x', with lambda ~ Beta(alpha, alpha) drawn once per batch and a random
    /// permutation of the batch as partners, on normalised pixels. With <see cref="CutMix"/> in the same sequence, each batch uses one of
    /// the two with equal probability.
    /// </summary>
    /// <remarks>
    /// The training loss is that of the mixed labels, and does not come near 0. Validation and scoring see whole pictures.
    /// </remarks>
    /// <param name="alpha">
    /// Parameter of the beta distribution. Above 0. Below 1, lambda is mostly near 0 or 1; at 1 it is uniform; above 1 it concentrates
    /// around 0.5. Default 0.2.
    /// </param>
    /// <param name="probability">Share of the batches that are mixed. 0 to 1. Default 1.</param>
    /// <param name="plainEpochs">
    /// Number of epochs at the end without mixing, so that training ends on unmixed pictures as in scoring (timm's <c>mixup_off_epoch</c>,
    /// counted from the end). Must be less than the number of epochs, which training checks. Default 0.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation MixUp(float alpha = 0.2f, float probability = 1, int plainEpochs = 0) =>
        new MixUp(alpha, probability) { PlainEpochs = plainEpochs };

    /// <summary>
    /// Pastes a rectangle of another picture of the batch into each one, at the same place, and mixes the labels by area (Yun et al. 2019,
    /// https://arxiv.org/abs/1905.04899). The rectangle's sides are sqrt(1 - lambda) of the picture's, lambda ~ Beta(alpha, alpha) drawn
    /// once per batch, and its centre is uniform over the picture; it is clipped at the border, and the labels are weighted by the pasted
    /// area. With <see cref="MixUp"/> in the same sequence, each batch uses one of the two with equal probability.
    /// </summary>
    /// <remarks>
    /// The training loss is that of the mixed labels, and does not come near 0. Validation and scoring see whole pictures.
    /// </remarks>
    /// <param name="alpha">
    /// Parameter of the beta distribution. Above 0. Default 1, as in the paper: lambda is uniform. Below 1, the pasted area is mostly near
    /// 0 or near the whole picture.
    /// </param>
    /// <param name="probability">Share of the batches that are mixed. 0 to 1. Default 1.</param>
    /// <param name="plainEpochs">
    /// Number of epochs at the end without mixing, so that training ends on unmixed pictures as in scoring. Must be less than the number of
    /// epochs, which training checks. Default 0.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation CutMix(float alpha = 1, float probability = 1, int plainEpochs = 0) =>
        new CutMix(alpha, probability) { PlainEpochs = plainEpochs };
}
