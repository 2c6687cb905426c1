using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>One column of pictures.</summary>
/// <param name="input">The column.</param>
/// <param name="encoder">Encoder of pictures to pixels of one size.</param>
/// <param name="channels">Input channels of the network: 3 for colours, 1 for luminance.</param>
/// <param name="prefersFiles">
/// Whether the files that <c>AugmentImages</c> decoded to the column are read instead of its images. Only for who trains on them as well:
/// a JPEG decoded at a fraction of its size differs slightly from the whole one.
/// </param>
/// <param name="pictures">Where shrunk pictures are kept for training; null for <see cref="PictureCache.None"/>.</param>
internal sealed class ImageInput(
    ImageColumn input, ImageEncoder encoder, int channels = InputChannels.Colors, bool prefersFiles = true,
    PictureCache? pictures = null) : ModelInput
{
    // Pictures in one forward pass, up to 224 pixels; fewer for larger ones. On a CPU larger batches are slower for MobileNetV2 and
    // ResNet-18, because their activations exceed the caches. A GPU needs larger batches for full utilisation.
    private const int LargestBatchOnCpu = 16;
    private const int LargestBatchOnGpu = 64;

    private readonly ImagePreprocessing _preprocessing = encoder.Preprocessing;

    public ImageColumn Column => input;

    public override ImagePreprocessing Preprocessing => _preprocessing;

    public override int Length => encoder.Length;

    public override IReadOnlyList<ModuleContext.InputShape> Shapes =>
        [new(input.Column, [channels, _preprocessing.Size, _preprocessing.Size])];

    public override PictureForm? Pixels => new(_preprocessing, channels);

    public override string Form => FormattableString.Invariant($"pictures of {channels} channels, {CanonicalJson.Of(_preprocessing)}");

    public override int ScoringBatch(bool isOnGpu)
    {
        var (size, largest) = (_preprocessing.Size, isOnGpu ? LargestBatchOnGpu : LargestBatchOnCpu);
        return Math.Clamp(largest * 224 * 224 / (size * size), 1, largest);
    }

    public override Collator CreateCollator(Device device) => new PixelNormalizer(_preprocessing, device, channels);

    public override byte[] ProbeSample() => ProbePicture.Draw(_preprocessing.Size);

    public override IReadOnlyList<TensorColumn> ToTensors() => [new PixelTensor(PixelTensor.Only, input, new(_preprocessing, channels))];

    public override InputManifest Describe() =>
        new ImageInputManifest(input.Column, input.Folder, input.Pixels, _preprocessing, channels);

    public override (string Name, VectorDataViewType Type)? Numbers => input.Pixels is { } pixels
        ? (input.Column, new VectorDataViewType(NumberDataViewType.Single, pixels.Length))
        : null;

    public override DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix) =>
        input.ReadFrom(schema, context, "input", prefix + "image", prefersFiles);

    public override DatasetBuilder Collect(IHost host, DataViewRow row) =>
        new Collector(input.CreateReader(row, prefersFiles), new StoredRows(Contexts.TemporaryFolder(host)),
            input.Column, encoder, pictures?.CacheFor(encoder, host));

    public override RowReader Read(IHost host, DataViewRow row, int places) =>
        new RowImages(input.CreateReader(row, prefersFiles), encoder, places);

    private sealed class Collector(
        PictureReader reader, StoredRows images, string column, ImageEncoder encoder, ShrunkPictures? shrunk) : DatasetBuilder
    {
        public override void Collect() => images.Add(reader.Read());

        public override Dataset ToRows() => new EncodedImages(images, column, encoder, shrunk);

        public override void Dispose() => images.Dispose();
    }
}

/// <summary>Pictures as pixels: [size, size, 3] bytes.</summary>
/// <param name="images">The pictures. Disposed with this.</param>
/// <param name="column">Name of their column.</param>
/// <param name="encoder">Encodes them.</param>
/// <param name="shrunk">From which pictures are augmented; null for themselves. Disposed with this.</param>
internal sealed class EncodedImages(ImageRows images, string column, ImageEncoder encoder, ShrunkPictures? shrunk = null) : Dataset
{
    public override int Count => images.Count;

    public override int Length => encoder.Length;

    public override string Noun => "picture";

    public override string? PathOf(int row) => images.PathOf(row);

    public override bool IsMissing(int row) => images.IsMissing(row);

    public override void Identify(int row, IncrementalHash hash) => images.Identify(row, hash);

    public override string? DescribeStorage() => images is StoredRows { SpooledBytes: > 0 and var bytes, TemporaryFolder: var folder }
        ? $"The pictures of column '{column}' take {bytes >> 20} MiB in '{folder}' while training; a column of paths would need none."
        : null;

    public override ContentHash? ContentOf(int row) => images.ContentOf(row);

    public override string AugmentedFrom => shrunk?.Description ?? "";

    public override void OpenForAugmentation() => shrunk?.Open();

    public override void AroundPass() => shrunk?.Synchronize();

    // Unaugmented pictures are those of scoring, whose pixels must be the same.
    public override string? Encode(
        int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default) =>
        shrunk is null || augmentation.IsNone ? images.Encode(row, encoder, augmentation, random, output, cancellation)
        : shrunk.TryEncode(row, augmentation, random, output, cancellation) ? null
        : images.EncodeShrunk(row, shrunk, augmentation, random, output, cancellation);

    public override void Dispose()
    {
        shrunk?.Dispose();
        images.Dispose();
    }
}
