using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Augmentations;
using MlNetFineTune.Images;
using MlNetFineTune.MlNet;
using MlNetFineTune.Rows;

namespace MlNetFineTune.Scoring;

/// <summary>
/// The pictures of some rows, taken on the cursor's thread and encoded on any. An image column's value is kept in the variable it was read
/// into, which is handed back to ML.NET's getter for a later row: who made the image frees it then, and one that belongs to the user is left alone.
/// </summary>
internal abstract class RowImage
{
    /// <summary>Takes the present row's picture into a place.</summary>
    public abstract void Take(int place);

    /// <returns>Null, or why the picture cannot be used.</returns>
    public abstract string? Encode(int place, ImageEncoder encoder, Span<byte> output);

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

        public override string? Encode(int place, ImageEncoder encoder, Span<byte> output) =>
            encoder.EncodeFile(_paths[place], Augmentation.None, default, output);

        public override string Describe(int place) => $"'{_paths[place]}'";
    }

    private sealed class FromImage(DataViewRow row, DataViewSchema.Column column, int places) : RowImage
    {
        private readonly ValueGetter<MLImage> _getter = row.GetGetter<MLImage>(column);
        private readonly MLImage?[] _images = new MLImage?[places];

        public override void Take(int place) => _getter(ref _images[place]!);

        public override string? Encode(int place, ImageEncoder encoder, Span<byte> output) =>
            encoder.EncodeImage(_images[place], Augmentation.None, default, output);

        public override string Describe(int place) => "the image";
    }
}
