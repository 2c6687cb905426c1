using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// A picture, which flows through the network, and the columns of a table beside it. A sample consists of the picture's pixels, the
/// columns' numbers (floats; NaN for a missing number, 0 for a missing key), and a float that is 1 if the picture is missing.
/// </summary>
/// <param name="picture">The picture.</param>
/// <param name="columns">The table's columns, which allow missing values.</param>
/// <param name="missing">Treatment of rows without a picture.</param>
internal sealed class FusedInput(ImageInput picture, IReadOnlyList<NumberInput> columns, MissingPictures missing) : ModelInput
{
    public override int Length => picture.Length + columns.Sum(column => column.Length) + sizeof(float);

    public override IReadOnlyList<ModuleContext.InputShape> Shapes { get; } =
        [.. picture.Shapes, .. columns.SelectMany(column => column.Shapes)];

    public override ImagePreprocessing Preprocessing => picture.Preprocessing;

    public override PictureForm? Pixels => picture.Pixels;

    // Frozen stages process the picture only.
    public override string Form => picture.Form;

    public override bool KeepsActivations => true;

    public override int ScoringBatch(bool isOnGpu) => picture.ScoringBatch(isOnGpu);

    public override Collator CreateCollator(Device device) =>
        new FusedCollator(picture.CreateCollator(device), picture.Length, [.. Shapes.Skip(1)], device);

    public override IReadOnlyList<TensorColumn> ToTensors() =>
    [
        .. picture.ToTensors(), .. columns.SelectMany(column => column.ToTensors()).Select(tensor => tensor with { Name = tensor.Column }),
        .. missing == MissingPictures.Refuse
            ? []
            : (ReadOnlySpan<TensorColumn>)[new MissingPictureTensor(MissingPictureTensor.Only, picture.Column)],
    ];

    // With its picture.
    public override byte[] ProbeSample() =>
        [.. picture.ProbeSample(), .. columns.SelectMany(column => column.ProbeSample()), .. new byte[sizeof(float)]];

    public override InputManifest Describe() => new FusedInputManifest(
        (ImageInputManifest)picture.Describe(), [.. columns.Select(column => (NumberInputManifest)column.Describe())], missing);

    public override DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix) =>
        [.. picture.ColumnsOf(context, schema, prefix), .. columns.SelectMany(column => column.ColumnsOf(context, schema, prefix))];

    public override DatasetBuilder Collect(IHost host, DataViewRow row)
    {
        var parts = OpenedParts.Of<ModelInput, DatasetBuilder>([picture, .. columns], part => part.Collect(host, row));
        return new Collector(parts[0], parts[1..], new(picture.Preprocessing, missing));
    }

    public override RowReader Read(IHost host, DataViewRow row, int places)
    {
        var parts = OpenedParts.Of<ModelInput, RowReader>([picture, .. columns], part => part.Read(host, row, places));
        return new Reader(parts[0], parts[1..], new(picture.Preprocessing, missing));
    }

    private sealed class Collector(DatasetBuilder picture, DatasetBuilder[] columns, PictureSubstitute substitute) : DatasetBuilder
    {
        public override void Collect()
        {
            picture.Collect();
            foreach (var column in columns)
                column.Collect();
        }

        public override Dataset ToRows() => new Rows(picture.ToRows(), [.. columns.Select(column => column.ToRows())], substitute);

        public override void Dispose()
        {
            picture.Dispose();
            foreach (var column in columns)
                column.Dispose();
        }
    }

    private sealed class Rows(Dataset picture, Dataset[] columns, PictureSubstitute substitute) : Dataset
    {
        private const byte Readable = 1;
        private const byte Unreadable = 2;

        private static readonly ContentHash s_noPicture = ContentHash.Of("no picture", []);

        // Cached state of each picture; only used if unreadable ones are allowed.
        private readonly byte[] _known = new byte[picture.Count];

        public override int Count => picture.Count;

        public override int Length => picture.Length + BesideLength;

        public override int BesideLength { get; } = columns.Sum(column => column.Length) + sizeof(float);

        public override string Noun => "row";

        public override string? PathOf(int row) => picture.PathOf(row);

        public override string? DescribeStorage() => picture.DescribeStorage();

        public override string AugmentedFrom => picture.AugmentedFrom;

        public override void OpenForAugmentation() => picture.OpenForAugmentation();

        public override void AroundPass() => picture.AroundPass();

        public override void Identify(int row, IncrementalHash hash)
        {
            picture.Identify(row, hash);
            foreach (var column in columns)
                column.Identify(row, hash);
        }

        /// <summary>Hash of the picture, the only part that the stages process. Null for a row that cannot be used.</summary>
        public override ContentHash? ContentOf(int row)
        {
            using var table = new ScratchBuffer<byte>(BesideLength);
            return EncodeColumns(row, table.Span) is not null ? null : IsAbsent(row) ? s_noPicture : picture.ContentOf(row);
        }

        public override string? Encode(
            int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default)
        {
            if (EncodeColumns(row, output[picture.Length..]) is { } reason)
                return reason;
            var pixels = output[..picture.Length];
            var isAbsent = substitute.IsAllowed && picture.IsMissing(row);
            if (!isAbsent && picture.Encode(row, augmentation, random, pixels, cancellation) is { } problem)
            {
                if (!substitute.AllowsUnreadable)
                    return problem;
                isAbsent = true;
            }
            if (isAbsent)
                substitute.Draw(pixels);
            _known[row] = isAbsent ? Unreadable : Readable;
            Flag(output, isAbsent);
            return null;
        }

        public override string? EncodeBeside(int row, Span<byte> output, bool columnsAlone = false)
        {
            if (EncodeColumns(row, output) is { } reason)
                return reason;
            if (!columnsAlone)
                Flag(output, IsAbsent(row)); // may have to read the picture
            return null;
        }

        public override void Dispose()
        {
            picture.Dispose();
            foreach (var column in columns)
                column.Dispose();
        }

        private string? EncodeColumns(int row, Span<byte> output)
        {
            foreach (var column in columns)
            {
                if (column.Encode(row, Augmentation.None, default, output[..column.Length]) is { } reason)
                    return reason;
                output = output[column.Length..];
            }
            return null;
        }

        private bool IsAbsent(int row)
        {
            if (!substitute.IsAllowed)
                return false;
            if (picture.IsMissing(row))
                return true;
            if (!substitute.AllowsUnreadable)
                return false;
            if (_known[row] == 0)
            {
                using var pixels = new ScratchBuffer<byte>(picture.Length);
                var random = new CountedRandom(0, RandomStream.Augmentation, epoch: 0, row);
                _known[row] = picture.Encode(row, Augmentation.None, random, pixels.Span) is null ? Readable : Unreadable;
            }
            return _known[row] == Unreadable;
        }
    }

    private sealed class Reader(RowReader picture, RowReader[] columns, PictureSubstitute substitute) : RowReader
    {
        public override int Length { get; } = picture.Length + columns.Sum(column => column.Length) + sizeof(float);

        public override string Noun => "row";

        public override void Take(int place)
        {
            picture.Take(place);
            foreach (var column in columns)
                column.Take(place);
        }

        public override string? Encode(int place, Augmentation view, Span<byte> output)
        {
            var table = output[picture.Length..];
            foreach (var column in columns)
            {
                if (column.Encode(place, view, table[..column.Length]) is { } reason)
                    return reason;
                table = table[column.Length..];
            }
            var pixels = output[..picture.Length];
            var isAbsent = substitute.IsAllowed && picture.IsMissing(place);
            if (!isAbsent && picture.Encode(place, view, pixels) is { } problem)
            {
                if (!substitute.AllowsUnreadable)
                    return problem;
                isAbsent = true;
            }
            if (isAbsent)
                substitute.Draw(pixels);
            Flag(output, isAbsent);
            return null;
        }

        public override bool IsLarge(int place) => picture.IsLarge(place);

        public override void Release(int place) => picture.Release(place);

        public override string Describe(int place) => picture.Describe(place);

        public override void Dispose()
        {
            picture.Dispose();
            foreach (var column in columns)
                column.Dispose();
        }
    }

    // The last number of a sample.
    private static void Flag(Span<byte> output, bool isAbsent) =>
        BinaryPrimitives.WriteSingleLittleEndian(output[^sizeof(float)..], isAbsent ? 1 : 0);
}

/// <summary>Replaces a missing picture by the mean colour, which is 0 after normalisation.</summary>
internal sealed class PictureSubstitute(ImagePreprocessing preprocessing, MissingPictures missing)
{
    public bool IsAllowed => missing != MissingPictures.Refuse;

    public bool AllowsUnreadable => missing == MissingPictures.AllowUnreadable;

    /// <param name="pixels">[size, size, 3].</param>
    public void Draw(Span<byte> pixels)
    {
        var mean = preprocessing.Mean;
        ReadOnlySpan<byte> color = [Byte(mean.Red), Byte(mean.Green), Byte(mean.Blue)];
        for (var i = 0; i < pixels.Length; i += color.Length)
            color.CopyTo(pixels[i..]);

        static byte Byte(float share) => (byte)Math.Clamp(MathF.Round(share * 255), 0, 255);
    }
}
