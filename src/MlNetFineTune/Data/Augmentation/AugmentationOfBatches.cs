using MlNetFineTune.Data;

namespace MlNetFineTune;

// What acts on normalised batches, on the device, after everything else: first erasing, then mixing.
public abstract partial record Augmentation
{
    /// <summary>
    /// Erases a random rectangle of a picture (Zhong et al. 2017, https://arxiv.org/abs/1708.04896), after it was cropped, resized and
    /// normalised, and before batches are mixed. The rectangle's area is uniform between the two areas, the logarithm of its height over
    /// width uniform between those of the two ratios; drawn, as in torchvision, up to ten times until it fits, else nothing is erased.
    /// </summary>
    /// <param name="probability">Share of the pictures in which something is erased. 0 to 1. Default 0.25.</param>
    /// <param name="minimumArea">
    /// Least share of the area of the network's input. Above 0, at most <paramref name="maximumArea"/>. Default 0.02.
    /// </param>
    /// <param name="maximumArea">Greatest share of the area of the network's input. At most 1. Default 0.33.</param>
    /// <param name="minimumRatio">Least height over width. Above 0, at most <paramref name="maximumRatio"/>. Default 0.3.</param>
    /// <param name="maximumRatio">Greatest height over width. Finite. Default 3.3.</param>
    /// <param name="noise">
    /// Whether the rectangle is filled with a standard normal number for every channel of every pixel (after normalisation) rather than
    /// with the mean colour that the weights expect. Default false.
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
    /// https://arxiv.org/abs/1710.09412): lambda x + (1 - lambda) x', with lambda ~ Beta(alpha, alpha) drawn once a batch and the others in
    /// a random order, on normalised pixels. With <see cref="CutMix"/> in the same sequence each batch takes one of the two with equal
    /// chance.
    /// </summary>
    /// <remarks>
    /// The training loss is that of the mixed labels, and does not come near 0. Validation and scoring see whole pictures.
    /// </remarks>
    /// <param name="alpha">
    /// Of the beta distribution. Above 0. Below 1 most pictures are nearly whole, at 1 every proportion is as likely, above 1 halves are.
    /// Default 0.2.
    /// </param>
    /// <param name="probability">Share of the batches that are mixed. 0 to 1. Default 1.</param>
    /// <param name="plainEpochs">
    /// The last so many epochs see whole pictures, so that training ends on what scoring sees (timm's <c>mixup_off_epoch</c>, counted from
    /// the end). Less than all, else training refuses to start. Default 0.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation MixUp(float alpha = 0.2f, float probability = 1, int plainEpochs = 0) =>
        new MixUp(alpha, probability) { PlainEpochs = plainEpochs };

    /// <summary>
    /// Pastes a rectangle of another picture of the batch into each one, at the same place, and mixes the labels by area (Yun et al. 2019,
    /// https://arxiv.org/abs/1905.04899). The rectangle's sides are sqrt(1 - lambda) of the picture's, lambda ~ Beta(alpha, alpha) drawn
    /// once a batch, its centre anywhere; what lies outside is cut off, and the labels go by the area that was pasted. With
    /// <see cref="MixUp"/> in the same sequence each batch takes one of the two with equal chance.
    /// </summary>
    /// <remarks>
    /// The training loss is that of the mixed labels, and does not come near 0. Validation and scoring see whole pictures.
    /// </remarks>
    /// <param name="alpha">
    /// Of the beta distribution. Above 0. 1 (the paper's, the default) makes every area as likely; below, most are nearly nothing or nearly
    /// all.
    /// </param>
    /// <param name="probability">Share of the batches that are mixed. 0 to 1. Default 1.</param>
    /// <param name="plainEpochs">
    /// The last so many epochs see whole pictures, so that training ends on what scoring sees. Less than all, else training refuses to
    /// start. Default 0.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Augmentation CutMix(float alpha = 1, float probability = 1, int plainEpochs = 0) =>
        new CutMix(alpha, probability) { PlainEpochs = plainEpochs };
}
