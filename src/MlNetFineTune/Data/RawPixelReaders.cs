using System.Globalization;
using Microsoft.ML;

namespace MlNetFineTune.Data;

/// <summary>Reads pixels of type Byte.</summary>
internal sealed class RawByteReader(DataViewRow row, DataViewSchema.Column column, RawPixels pixels) : PictureReader
{
    private readonly VectorColumn<byte> _values = new(row, column);
    private readonly PixelArranger _arranger = new(pixels);

    public override Picture Read() => _arranger.Arrange(_values.Next());
}

/// <summary>Reads pixels of type Single, from 0 to <see cref="RawPixels.White"/>, rounded to bytes as all pictures.</summary>
internal sealed class RawSingleReader(DataViewRow row, DataViewSchema.Column column, RawPixels pixels) : PictureReader
{
    private readonly VectorColumn<float> _values = new(row, column);
    private readonly PixelArranger _arranger = new(pixels);
    private readonly byte[] _bytes = new byte[pixels.Length];

    public override Picture Read()
    {
        var values = _values.Next();
        if (values.Length != _bytes.Length)
            return _arranger.WrongLength(values.Length);
        var (scale, halfStep) = (255 / pixels.White, pixels.White / 510);
        var (largest, hasFraction) = (0f, false);
        for (var i = 0; i < values.Length; i++)
        {
            var value = values[i];
            if (!(value >= -halfStep && value <= pixels.White + halfStep)) // NaN too
                return Picture.Unusable(
                    FormattableString.Invariant($"value {i} is {value}; it must be between 0 and RawPixels.White = {pixels.White}"));
            largest = Math.Max(largest, value);
            hasFraction |= value != MathF.Floor(value);
            _bytes[i] = (byte)Math.Clamp(value * scale + 0.5f, 0, 255);
        }
        // Such a picture would be almost black: its values are probably in [0, 1] instead of [0, 255].
        return largest <= 1 && hasFraction && pixels.White > 1
            ? Picture.Unusable(
                string.Create(CultureInfo.InvariantCulture,
                    $"its values reach from 0 to {largest} only, but RawPixels.White is {pixels.White}: "
                    + $"set White = 1"))
            : _arranger.Arrange(_bytes);
    }
}

/// <summary>Converts any layout to 4 bytes per pixel.</summary>
internal sealed class PixelArranger(RawPixels pixels)
{
    private readonly byte[] _rgba = new byte[pixels.Width * pixels.Height * 4];
    private readonly PictureHead _head =
        new(Pixels: new PixelForm(pixels.Width, pixels.Height, pixels.Channels == RawPixels.PixelChannels.Bgr));

    /// <summary>Valid until the next call.</summary>
    public Picture Arrange(ReadOnlySpan<byte> values)
    {
        if (values.Length != pixels.Length)
            return WrongLength(values.Length);
        var (count, channels) = (pixels.Width * pixels.Height, pixels.ChannelCount);
        var (pixelStep, channelStep) = pixels.Layout == RawPixels.PixelLayout.Planar ? (1, count) : (channels, 1);
        if (channels == 1)
            channelStep = 0; // grey: the same value three times
        for (var i = 0; i < count; i++)
        {
            var at = i * pixelStep;
            _rgba[4 * i] = values[at];
            _rgba[4 * i + 1] = values[at + channelStep];
            _rgba[4 * i + 2] = values[at + 2 * channelStep];
            _rgba[4 * i + 3] = 255;
        }
        return new Picture(_head, _rgba);
    }

    public Picture WrongLength(int found) => Picture.Unusable($"the vector has {found} values; {pixels.Length} are expected");
}
