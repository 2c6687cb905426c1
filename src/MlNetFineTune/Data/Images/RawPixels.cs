using System.Text.Json.Serialization;
using MlNetFineTune.Data;

namespace MlNetFineTune;

/// <summary>
/// Says that a column of vectors holds pixels, rows from top to bottom, and how they lie (<see cref="Interleaved"/> or
/// <see cref="Planar"/>): a vector does not say so itself. The vectors are of Byte, or of Single, whose numbers reach from 0 to
/// <see cref="White"/>, and have width * height * channels numbers.
/// </summary>
public sealed record RawPixels
{
    [JsonConstructor] // model files have it
    internal RawPixels(int width, int height, PixelLayout layout, PixelChannels channels = PixelChannels.Rgb)
    {
        Width = width;
        Height = height;
        Layout = layout;
        Channels = channels;
    }

    /// <summary>Pixel by pixel: RGBRGB…, as most cameras and bitmaps in memory have them.</summary>
    /// <param name="width">In pixels. Above 0.</param>
    /// <param name="height">In pixels. Above 0.</param>
    /// <param name="channels">Which numbers a pixel has. Default <see cref="PixelChannels.Rgb"/>.</param>
    /// <param name="white">The number of full brightness in vectors of Single. Above 0. Default 255; see <see cref="White"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range, or the picture is larger than any that is read.</exception>
    public static RawPixels Interleaved(int width, int height, PixelChannels channels = PixelChannels.Rgb, float white = 255) =>
        new(width, height, PixelLayout.Interleaved, channels) { White = white };

    /// <summary>
    /// Channel by channel: all of the first, then all of the second: what ML.NET's <c>ExtractPixels</c> makes by default.
    /// </summary>
    /// <param name="width">In pixels. Above 0.</param>
    /// <param name="height">In pixels. Above 0.</param>
    /// <param name="channels">Which numbers a pixel has. Default <see cref="PixelChannels.Rgb"/>.</param>
    /// <param name="white">The number of full brightness in vectors of Single. Above 0. Default 255; see <see cref="White"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range, or the picture is larger than any that is read.</exception>
    public static RawPixels Planar(int width, int height, PixelChannels channels = PixelChannels.Rgb, float white = 255) =>
        new(width, height, PixelLayout.Planar, channels) { White = white };

    /// <summary>In pixels.</summary>
    public int Width
    {
        get;
        init
        {
            CheckSide(value, Height, nameof(Width));
            field = value;
        }
    }

    /// <summary>In pixels.</summary>
    public int Height
    {
        get;
        init
        {
            CheckSide(value, Width, nameof(Height));
            field = value;
        }
    }

    /// <summary>How the numbers follow each other. There is no default: the wrong one trains on noise.</summary>
    [JsonInclude]
    internal PixelLayout Layout { get; init => field = Defined(value, nameof(Layout)); }

    /// <summary>Which numbers a pixel has.</summary>
    public PixelChannels Channels { get; init => field = Defined(value, nameof(Channels)); }

    /// <summary>
    /// The number of full brightness in vectors of Single: 255 (the default, what <c>ExtractPixels</c> makes) or another, such as 1. In
    /// vectors of Byte it is always 255.
    /// </summary>
    public float White
    {
        get;
        init => field = value > 0 && float.IsFinite(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(White), value, "White must be above 0.");
    } = 255;

    internal int ChannelCount => Channels == PixelChannels.Gray ? 1 : 3;

    /// <summary>Numbers of one picture.</summary>
    internal int Length => Width * Height * ChannelCount;

    private static void CheckSide(int value, int other, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
        if (DecodeLimits.Refuse(value, Math.Max(other, 1)) is { } refusal)
            throw new ArgumentOutOfRangeException(name, value, refusal);
    }

    private static T Defined<T>(T value, string name)
        where T : struct, Enum => Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(name, value, $"Choose one of {string.Join(", ", Enum.GetNames<T>())}.");

    /// <summary>Names and values, with the same numbers in every culture.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"RawPixels {{ Width = {Width}, Height = {Height}, Layout = {Layout}, Channels = {Channels}, White = {White} }}");

    /// <summary>How the numbers of one picture follow each other in a vector.</summary>
    internal enum PixelLayout
    {
        /// <summary>Pixel by pixel: RGBRGB…, as most cameras and bitmaps in memory.</summary>
        Interleaved,

        /// <summary>
        /// Channel by channel: all of the first, then all of the second: what ML.NET's <c>ExtractPixels</c> makes by default.
        /// </summary>
        Planar,
    }

    /// <summary>Which numbers a pixel has, in their order.</summary>
    public enum PixelChannels
    {
        /// <summary>Red, green, blue.</summary>
        Rgb,

        /// <summary>Blue, green, red.</summary>
        Bgr,

        /// <summary>One number, for all three colours.</summary>
        Gray,
    }
}
