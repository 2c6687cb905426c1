using System.Text.Json.Serialization;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>The resampling filter. The support of both is scaled when downscaling (antialiasing, as in Pillow and torchvision).</summary>
public enum Interpolation
{
    /// <summary>Triangle filter.</summary>
    Bilinear,

    /// <summary>Keys' cubic filter with a = -0.5.</summary>
    Bicubic,
}

/// <summary>One number for each colour channel.</summary>
/// <param name="Red">Value of the red channel.</param>
/// <param name="Green">Value of the green channel.</param>
/// <param name="Blue">Value of the blue channel.</param>
[method: JsonConstructor] // so that a model file must name all three
public readonly record struct ColorTriple(float Red, float Green, float Blue)
{
    /// <summary>The mean of ImageNet's photos, pixels in [0, 1].</summary>
    public static ColorTriple ImageNetMean { get; } = new(0.485f, 0.456f, 0.406f);

    /// <summary>The standard deviation of ImageNet's photos, pixels in [0, 1].</summary>
    public static ColorTriple ImageNetStd { get; } = new(0.229f, 0.224f, 0.225f);

    /// <summary>0.5 for all channels: pixels become [-1, 1].</summary>
    public static ColorTriple Half { get; } = new(0.5f, 0.5f, 0.5f);

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}

/// <summary>
/// The preprocessing of pictures: size, crop and normalisation. It must be that of the pretraining; it is therefore part of the
/// <see cref="Backbone"/> and saved with the model.
/// </summary>
public sealed record ImagePreprocessing
{
    /// <summary>Width and height of the network's input in pixels. 32 to 4096. Default 224.</summary>
    public int Size
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 32, nameof(Size));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 4096, nameof(Size));
            field = value;
        }
    } = 224;

    /// <summary>The mean, subtracted from pixels in [0, 1]. Default <see cref="ColorTriple.ImageNetMean"/>.</summary>
    public ColorTriple Mean { get; init; } = ColorTriple.ImageNetMean;

    /// <summary>
    /// The standard deviation by which the centred pixels are divided. Above 0. Default <see cref="ColorTriple.ImageNetStd"/>.
    /// </summary>
    public ColorTriple Std
    {
        get;
        init
        {
            if (!(value.Red > 0 && value.Green > 0 && value.Blue > 0))
                throw new ArgumentOutOfRangeException(nameof(Std), value, "A standard deviation must be above 0.");
            field = value;
        }
    } = ColorTriple.ImageNetStd;

    /// <summary>The filter for resizing. Default <see cref="Interpolation.Bilinear"/>.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bilinear;

    /// <summary>
    /// In validation and scoring the shorter side is resized to <c>Size / CropFraction</c> pixels and the centre is cropped. Above 0, at
    /// most 1. Default 0.875: 256 pixels, cropped to 224.
    /// </summary>
    public float CropFraction
    {
        get;
        init
        {
            if (!(value is > 0 and <= 1))
                throw new ArgumentOutOfRangeException(nameof(CropFraction), value, "The crop fraction must be above 0 and at most 1.");
            field = value;
        }
    } = 0.875f;

    /// <summary>What is shown where there is no picture: the mean, which normalisation makes 0 (but for rounding to a byte).</summary>
    internal (byte Red, byte Green, byte Blue) Fill => (ToByte(Mean.Red), ToByte(Mean.Green), ToByte(Mean.Blue));

    private static byte ToByte(float value) => (byte)Math.Clamp(MathF.Round(value * 255), 0, 255);

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
