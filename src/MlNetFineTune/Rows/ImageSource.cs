using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Augmentations;
using MlNetFineTune.Images;

namespace MlNetFineTune.Rows;

/// <summary>One column of pictures.</summary>
/// <param name="column">Path or picture.</param>
/// <param name="folder">Joined before relative paths; null for the current directory.</param>
/// <param name="encoder">Pictures to pixels of one size.</param>
internal sealed class ImageSource(string column, string? folder, ImageEncoder encoder) : InputSource
{
    public override DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix) =>
        [schema.GetColumnOrNull(column) ?? throw context.ExceptSchemaMismatch("input", prefix + "image", column)];

    public override InputCollector Collect(IHost host, DataViewRow row) =>
        new Collector(ImageCollector.Create(host, row, row.Schema[column], folder), column, encoder);

    private sealed class Collector(ImageCollector images, string column, ImageEncoder encoder) : InputCollector
    {
        public override void Collect() => images.Collect();

        public override InputRows ToRows() => new EncodedImages(images.ToRows(), column, encoder);

        public override void Dispose() => images.Dispose();
    }
}

/// <summary>Pictures as pixels: [size, size, 3] bytes.</summary>
internal sealed class EncodedImages(ImageRows images, string column, ImageEncoder encoder) : InputRows
{
    public override int Count => images.Count;

    public override int Length => encoder.Length;

    public override string Noun => "picture";

    public override string? PathOf(int row) => images.PathOf(row);

    public override string? DescribeStorage() => images is SpooledRows spooled
        ? $"The pictures of column '{column}' take {spooled.Describe()} while training; a column of paths would need none."
        : null;

    public override string? Encode(int row, Augmentation augmentation, CountedRandom random, Span<byte> output) => images.Encode(row, encoder, augmentation, random, output);

    public override void Dispose() => images.Dispose();
}
