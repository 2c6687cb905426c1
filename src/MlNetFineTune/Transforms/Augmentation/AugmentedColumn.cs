using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Data;

namespace MlNetFineTune.Transforms;

/// <summary>
/// The images of one cursor, augmented or unchanged. The caller owns an image, as in ML.NET's transforms: a getter disposes the image in
/// the variable that it overwrites. Images of the source are never disposed here.
/// </summary>
/// <param name="host">Host for the log.</param>
/// <param name="row">Row of the cursor.</param>
/// <param name="input">The input column.</param>
/// <param name="augmenter">Null if pictures are not augmented.</param>
/// <param name="mode">The pass, and the treatment of pictures that cannot be read.</param>
internal sealed class AugmentedColumn(IHost host, DataViewRow row, ImageColumn input, PictureAugmenter? augmenter, AugmentingMode mode)
{
    private const int MostWarnings = 10;

    private readonly ValueGetter<DataViewRowId> _id = row.GetIdGetter();
    private readonly DataViewSchema.Column _column = row.Schema[input.Column];
    private int _bad;

    public ValueGetter<MLImage> Getter() => _column.Type is ImageDataViewType ? OfImages() : OfFiles();

    private ValueGetter<MLImage> OfImages()
    {
        var next = row.GetGetter<MLImage>(_column);
        if (augmenter is null && !mode.CopiesImages)
            return next;
        // Not disposed at the end: a source that makes an image a row disposes the one before, but the last may as well be the user's own
        // object of a row in memory, and nothing tells which. It is the finalizer's then.
        MLImage? source = null;
        return (ref MLImage image) =>
        {
            image?.Dispose();
            image = null!;
            next(ref source!);
            if (source is null)
                return;
            image = augmenter is null
                ? MLImage.CreateFromPixels(source.Width, source.Height, source.PixelFormat, source.Pixels)
                : augmenter.Draw(
                    new PixelSource(source.Pixels, source.Width, source.Height, source.PixelFormat == MLPixelFormat.Bgra32), mode.Pass,
                    Id());
            image.Tag = source.Tag;
        };
    }

    private ValueGetter<MLImage> OfFiles()
    {
        var reader = input.CreateReader(row, _column);
        return (ref MLImage image) =>
        {
            image?.Dispose();
            image = null!;
            var picture = reader.Read();
            if (picture.Head.IsMissing)
                return;
            var path = picture.Head.Path;
            var reason = path is null
                ? WholePicture.Decode(picture.Bytes, out var size, out var pixels)
                : WholePicture.DecodeFile(path, out size, out pixels);
            if (reason is not null)
            {
                Report(new BadRows.Row(row.Position, path, reason));
                return;
            }
            image = PictureAugmenter.ToImage(pixels, size);
            if (augmenter is not null)
            {
                using var whole = image;
                image = augmenter.Draw(new PixelSource(whole.Pixels, size.Width, size.Height, blueFirst: false), mode.Pass, Id());
            }
            image.Tag = path;
        };
    }

    private DataViewRowId Id()
    {
        DataViewRowId id = default;
        _id(ref id);
        return id;
    }

    private void Report(BadRows.Row bad)
    {
        if (mode.ThrowsOnBad)
        {
            throw new InvalidDataException(
                $"The picture of {bad}. Mend or remove it: ML.NET's trainers would learn from it as if it were black. A missing picture "
                + "(an empty path) is passed on as a missing image.");
        }
        if (++_bad > MostWarnings)
            return;
        using var channel = host.Start("Reading pictures");
        channel.Warning(_bad < MostWarnings
            ? $"The picture of {bad}. The image is missing."
            : string.Create(CultureInfo.InvariantCulture, $"{MostWarnings} pictures could not be read; further ones are not named."));
    }
}
