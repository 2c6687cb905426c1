using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Augmentations;
using MlNetFineTune.Images;
using MlNetFineTune.MlNet;
using MlNetFineTune.Rows;

namespace MlNetFineTune.Scoring;

/// <summary>The pictures of some rows, taken on the cursor's thread and encoded on any. Images are never disposed here: they belong to whoever made them.</summary>
internal abstract class RowImage
{
    /// <summary>Takes the present row's picture into a place.</summary>
    public abstract void Take(int place);

    /// <returns>Null, or why the picture cannot be used.</returns>
    public abstract string? Encode(int place, ImageEncoder encoder, Augmentation view, Span<byte> output);

    /// <summary>What to call the picture in a message.</summary>
    public abstract string Describe(int place);

    public static RowImage Create(IExceptionContext context, DataViewRow row, DataViewSchema.Column column, string? folder, int places) => column.Type switch
    {
        TextDataViewType => new FromPath(row, column, folder, places),
        ImageDataViewType => new FromImage(row, column, places),
        _ => throw context.ExceptSchemaMismatch("input", "image", column.Name, ImageColumnTypes.Expected, column.Type.ToString()),
    };

    private sealed class FromPath(DataViewRow row, DataViewSchema.Column column, string? folder, int places) : RowImage
    {
        private readonly ValueGetter<ReadOnlyMemory<char>> _getter = row.GetGetter<ReadOnlyMemory<char>>(column);
        private readonly string[] _paths = new string[places];
        private ReadOnlyMemory<char> _path;

        public override void Take(int place)
        {
            _getter(ref _path);
            _paths[place] = ImageColumnTypes.Resolve(_path, folder);
        }

        public override string? Encode(int place, ImageEncoder encoder, Augmentation view, Span<byte> output) =>
            encoder.EncodeFile(_paths[place], view, default, output);

        public override string Describe(int place) => $"'{_paths[place]}'";
    }

    // Pixels are copied at once: ML.NET's transforms may dispose an image as soon as the cursor moves on, whoever still holds it.
    private sealed class FromImage(DataViewRow row, DataViewSchema.Column column, int places) : RowImage
    {
        private readonly ValueGetter<MLImage> _getter = row.GetGetter<MLImage>(column);
        private readonly (byte[] Pixels, int Width, int Height, bool BlueFirst)[] _copies = new (byte[], int, int, bool)[places];
        private MLImage? _image;

        public override void Take(int place)
        {
            _getter(ref _image!);
            ref var copy = ref _copies[place];
            if (_image is null)
            {
                copy.Width = 0;
                return;
            }
            var pixels = _image.Pixels;
            if (copy.Pixels is null || copy.Pixels.Length < pixels.Length)
                copy.Pixels = new byte[pixels.Length];
            pixels.CopyTo(copy.Pixels);
            (copy.Width, copy.Height, copy.BlueFirst) = (_image.Width, _image.Height, _image.PixelFormat == MLPixelFormat.Bgra32);
        }

        public override string? Encode(int place, ImageEncoder encoder, Augmentation view, Span<byte> output)
        {
            var (pixels, width, height, blueFirst) = _copies[place];
            return width == 0
                ? "the image is missing"
                : encoder.EncodePixels(new PixelSource(pixels.AsSpan(0, width * height * 4), width, height, blueFirst), view, default, output);
        }

        public override string Describe(int place) => "the image";
    }
}
