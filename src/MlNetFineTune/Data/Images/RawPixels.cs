using System.Text.Json.Serialization;
using MlNetFineTune.Data;

namespace MlNetFineTune;

/// <summary>
/// The format of a vector column that holds uncompressed pixels, rows from top to bottom: <see cref="Interleaved"/> or
/// <see cref="Planar"/>. A vector has width * height * channels numbers, of type Byte (0 to 255) or Single (0 to <see cref="White"/>).
/// </summary>
public sealed record RawPixels
{
    [JsonConstructor] // read from model files
    internal RawPixels(int width, int height, PixelLayout layout, PixelChannels channels = PixelChannels.Rgb)
    {
        Width = width;
        Height = height;
        Layout = layout;
        Channels = channels;
    }

    /// <summary>Pixel by pixel, [H, W, C]: RGBRGB…, as in most cameras and bitmaps.</summary>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="channels">The channels of a pixel and their order. Default <see cref="PixelChannels.Rgb"/>.</param>
    /// <param name="white">The number of full brightness in vectors of Single. Above 0. Default 255; see <see cref="White"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1, the picture has too many pixels, <paramref name="white"/> is not
    /// above 0, or an enumeration value is not defined.</exception>
    public static RawPixels Interleaved(int width, int height, PixelChannels channels = PixelChannels.Rgb, float white = 255) =>
        new(width, height, PixelLayout.Interleaved, channels) { White = white };

    /// <summary>Channel by channel, [C, H, W]: the default of ML.NET's <c>ExtractPixels</c>.</summary>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="channels">The channels of a pixel and their order. Default <see cref="PixelChannels.Rgb"/>.</param>
    /// <param name="white">The number of full brightness in vectors of Single. Above 0. Default 255; see <see cref="White"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1, the picture has too many pixels, <paramref name="white"/> is not
    /// above 0, or an enumeration value is not defined.</exception>
    public static RawPixels Planar(int width, int height, PixelChannels channels = PixelChannels.Rgb, float white = 255) =>
        new(width, height, PixelLayout.Planar, channels) { White = white };

    /// <summary>Width in pixels, at least 1.</summary>
    public int Width
    {
        get;
        init
        {
            CheckSide(value, Height, nameof(Width));
            field = value;
        }
    }

    /// <summary>Height in pixels, at least 1.</summary>
    public int Height
    {
        get;
        init
        {
            CheckSide(value, Width, nameof(Height));
            field = value;
        }
    }

    /// <summary>The order of the numbers. There is no default, because a wrong layout would yield noise.</summary>
    [JsonInclude]
    internal PixelLayout Layout { get; init => field = Defined(value, nameof(Layout)); }

    /// <summary>The channels of a pixel. Default <see cref="PixelChannels.Rgb"/>.</summary>
    public PixelChannels Channels { get; init => field = Defined(value, nameof(Channels)); }

    /// <summary>
    /// The value of full brightness in vectors of Single. Above 0. Default 255, as from <c>ExtractPixels</c>; 1 for pixels scaled to [0,
    /// 1]. Ignored for vectors of Byte, where it is 255.
    /// </summary>
    public float White
    {
        get;
        init => field = value > 0 && float.IsFinite(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(White), value, "White must be above 0.");
    } = 255;

    internal int ChannelCount => Channels == PixelChannels.Gray ? 1 : 3;

    /// <summary>Number of values of one picture.</summary>
    internal int Length => Width * Height * ChannelCount;

    private static void CheckSide(int value, int other, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
        if (DecodeLimits.Refuse(value, Math.Max(other, 1)) is { } refusal)
            throw new ArgumentOutOfRangeException(name, value, refusal);
    }

    private static T Defined<T>(T value, string name)
        where T : struct, Enum => Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"Choose one of {string.Join(", ", Enum.GetNames<T>())}.");

    /// <summary>The call that creates it, such as <c>Planar(48, 32, Rgb, white: 255)</c>, in the invariant culture.</summary>
    public override string ToString() => FormattableString.Invariant($"{Layout}({Width}, {Height}, {Channels}, white: {White})");

    /// <summary>The order of the numbers of one picture in a vector.</summary>
    internal enum PixelLayout
    {
        /// <summary>Pixel by pixel, [H, W, C]: RGBRGB…, as in most cameras and bitmaps.</summary>
        Interleaved,

        /// <summary>Channel by channel, [C, H, W]: the default of ML.NET's <c>ExtractPixels</c>.</summary>
        Planar,
    }

    /// <summary>The channels of a pixel and their order.</summary>
    public enum PixelChannels
    {
        /// <summary>Red, green, blue.</summary>
        Rgb,

        /// <summary>Blue, green, red.</summary>
        Bgr,

        /// <summary>One value, the luminance.</summary>
        Gray,
    }
}
