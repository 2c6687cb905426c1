using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>One column of pictures.</summary>
/// <param name="input">The column.</param>
/// <param name="encoder">Pictures to pixels of one size.</param>
internal sealed class ImageSource(ImageInput input, ImageEncoder encoder) : InputSource
{
    public override int Length => encoder.Length;

    public override (string Name, VectorDataViewType Type)? Numbers => input.Pixels is { } pixels
        ? (input.Column, new VectorDataViewType(NumberDataViewType.Single, pixels.Length))
        : null;

    public override DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix) => [input.In(schema, context, "input", prefix + "image")];

    public override InputCollector Collect(IHost host, DataViewRow row) =>
        new Collector(input.CreateReader(row, row.Schema[input.Column]), new StoredRows(Contexts.TemporaryFolder(host)), input.Column, encoder);

    public override RowReader Read(IHost host, DataViewRow row, int places) => new RowImages(input.CreateReader(row, row.Schema[input.Column]), encoder, places);

    private sealed class Collector(PictureReader reader, StoredRows images, string column, ImageEncoder encoder) : InputCollector
    {
        public override void Collect() => images.Add(reader.Read());

        public override InputRows ToRows() => new EncodedImages(images, column, encoder);

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

    public override void Identify(int row, IncrementalHash hash) => images.Identify(row, hash);

    public override string? DescribeStorage() => images is StoredRows { SpooledBytes: > 0 and var bytes, TemporaryFolder: var folder }
        ? $"The pictures of column '{column}' take {bytes >> 20} MiB in '{folder}' while training; a column of paths would need none."
        : null;

    public override ContentHash? ContentOf(int row) => images.ContentOf(row);

    public override string? Encode(int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default) =>
        images.Encode(row, encoder, augmentation, random, output, cancellation);

    public override void Dispose() => images.Dispose();
}
