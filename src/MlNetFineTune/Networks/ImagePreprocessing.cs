using System.Text.Json.Serialization;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>How a picture is resampled. Both widen their support when shrinking,
/// so that nothing aliases (as Pillow and torchvision do).</summary>
public enum Interpolation
{
    /// <summary>Triangle filter.</summary>
    Bilinear,

    /// <summary>Keys' cubic filter with a = -0.5.</summary>
    Bicubic,
}

/// <summary>One number for each colour channel.</summary>
/// <param name="Red">Of the red channel.</param>
/// <param name="Green">Of the green channel.</param>
/// <param name="Blue">Of the blue channel.</param>
[method: JsonConstructor] // so that a model file must name all three
public readonly record struct ColorTriple(float Red, float Green, float Blue)
{
    /// <summary>The mean of ImageNet's photos, pixels in [0, 1].</summary>
    public static ColorTriple ImageNetMean { get; } = new(0.485f, 0.456f, 0.406f);

    /// <summary>The standard deviation of ImageNet's photos, pixels in [0, 1].</summary>
    public static ColorTriple ImageNetStd { get; } = new(0.229f, 0.224f, 0.225f);

    /// <summary>0.5 for all channels: pixels become [-1, 1].</summary>
    public static ColorTriple Half { get; } = new(0.5f, 0.5f, 0.5f);

    /// <summary>Names and values, with the same numbers in every culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}

/// <summary>
/// How a picture becomes a network's input. It belongs to the weights: a network sees well only what looks like its training pictures, so
/// the recipe travels with the <see cref="Backbone"/> and is saved in the model.
/// </summary>
public sealed record ImagePreprocessing
{
    /// <summary>Width and height of the network's input in pixels. 32 to 4096.</summary>
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

    /// <summary>Subtracted from the pixels, which are in [0, 1].</summary>
    public ColorTriple Mean { get; init; } = ColorTriple.ImageNetMean;

    /// <summary>The centred pixels are divided by it. Above 0.</summary>
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

    /// <summary>The filter used when resizing.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bilinear;

    /// <summary>
    /// In evaluation the shorter side is resized to <c>Size / CropFraction</c> pixels and the centre is cropped. Above 0, at most 1.
    /// 0.875 is the usual 256 to 224.
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

    /// <summary>Names and values, with the same numbers in every culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
