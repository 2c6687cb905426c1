using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>
/// One column of pictures at several sizes: the first size is the network's main input, the others are additional inputs named by their
/// size. Each is resampled once from the original photo.
/// </summary>
internal sealed class ScaledImageInput : ModelInput
{
    private readonly ImageInput[] _sizes;
    private readonly ImageEncoder[] _encoders;
    private readonly ImageColumn _column;

    /// <param name="column">The input column.</param>
    /// <param name="preprocessing">Preprocessing with the network's input size.</param>
    /// <param name="channels">Number of input channels of the network.</param>
    /// <param name="sizes">Width and height in pixels; at least one.</param>
    private ScaledImageInput(ImageColumn column, ImagePreprocessing preprocessing, int channels, IReadOnlyList<int> sizes)
    {
        _column = column;
        _encoders = [.. sizes.Select(size => new ImageEncoder(preprocessing with { Size = size }))];
        _sizes = [.. _encoders.Select(encoder => new ImageInput(column, encoder, channels, prefersFiles: false))];
    }

    /// <summary>Creates the input for one or several sizes.</summary>
    public static ModelInput Create(ImageColumn column, ImagePreprocessing preprocessing, int channels, IReadOnlyList<int> sizes) =>
        sizes is [var only]
            ? new ImageInput(column, new ImageEncoder(preprocessing with { Size = only }), channels, prefersFiles: false)
            : new ScaledImageInput(column, preprocessing, channels, sizes);

    /// <summary>The pictures of a batch, in the order of the sizes.</summary>
    public static IReadOnlyList<Tensor> PicturesOf(ModelInputs inputs, IReadOnlyList<int> sizes) =>
        [inputs.Activations, .. sizes.Skip(1).Select(size => inputs.Beside[NameOf(size)])];

    public override int Length => _encoders.Sum(encoder => encoder.Length);

    public override IReadOnlyList<ModuleContext.InputShape> Shapes => [.. _sizes.SelectMany(size => size.Shapes)];

    public override string Form => string.Join("; ", _sizes.Select(size => size.Form));

    // The largest size determines it, since it needs the most memory.
    public override int ScoringBatch(bool isOnGpu) => _sizes.Min(size => size.ScoringBatch(isOnGpu));

    public override DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix = "") =>
        _sizes[0].ColumnsOf(context, schema, prefix);

    public override DatasetBuilder Collect(IHost host, DataViewRow row) =>
        throw new NotSupportedException("Pictures of several sizes are not trained on.");

    public override RowReader Read(IHost host, DataViewRow row, int places) => new Reader(
        new RowImages(_column.CreateReader(row, prefersFiles: false), _encoders[0], places), _encoders);

    public override Collator CreateCollator(Device device) =>
        new SizesCollator([.. _sizes.Select(size => size.CreateCollator(device))], this);

    public override byte[] ProbeSample() => [.. _sizes.SelectMany(size => size.ProbeSample())];

    public override IReadOnlyList<TensorColumn> ToTensors() =>
        throw new NotSupportedException("Features of pictures of several sizes have no exported network.");

    public override InputManifest Describe() => _sizes[0].Describe();

    private static string NameOf(int size) => size.ToString(CultureInfo.InvariantCulture);

    // Samples contain the sizes one after another.
    private sealed class Reader(RowImages images, ImageEncoder[] encoders) : RowReader
    {
        public override int Length { get; } = encoders.Sum(encoder => encoder.Length);

        public override string Noun => images.Noun;

        public override void Take(int place) => images.Take(place);

        public override string? Encode(int place, Augmentation view, Span<byte> output)
        {
            foreach (var encoder in encoders)
            {
                if (images.Encode(place, encoder, view, output[..encoder.Length]) is { } reason)
                    return reason;
                output = output[encoder.Length..];
            }
            return null;
        }

        public override ContentHash? ContentOf(int place) => images.ContentOf(place);

        public override bool IsMissing(int place) => images.IsMissing(place);

        public override bool IsLarge(int place) => images.IsLarge(place);

        public override void Release(int place) => images.Release(place);

        public override string Describe(int place) => images.Describe(place);

        public override void Dispose() => images.Dispose();
    }

    private sealed class SizesCollator(Collator[] collators, ScaledImageInput input) : Collator
    {
        public override ModelInputs Collate(ReadOnlySpan<byte> samples, int count)
        {
            var pictures = new Tensor[collators.Length];
            var offset = 0;
            for (var size = 0; size < collators.Length; size++)
            {
                var length = input._encoders[size].Length;
                using var bytes = new ScratchBuffer<byte>(count * length);
                for (var row = 0; row < count; row++)
                    samples.Slice(row * input.Length + offset, length).CopyTo(bytes.Span[(row * length)..]);
                pictures[size] = collators[size].Collate(bytes.Span, count).Activations;
                offset += length;
            }
            return new ModelInputs(pictures[0], pictures.Skip(1)
                .Zip(input._encoders.Skip(1), (picture, encoder) => (Name: NameOf(encoder.Preprocessing.Size), Picture: picture))
                .ToDictionary(named => named.Name, named => named.Picture, StringComparer.Ordinal));
        }

        public override void Dispose()
        {
            foreach (var collator in collators)
                collator.Dispose();
        }
    }
}
