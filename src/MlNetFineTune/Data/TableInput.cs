using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>Several inputs, encoded one after another.</summary>
internal sealed class TableInput(IReadOnlyList<ModelInput> parts) : ModelInput
{
    public override int Length => parts.Sum(part => part.Length);

    public override IReadOnlyList<ModuleContext.InputShape> Shapes { get; } = Distinct([.. parts.SelectMany(part => part.Shapes)]);

    public override PictureForm? Pixels => parts is [var only] ? only.Pixels : null;

    public override string Form => string.Join("; ", parts.Select(part => part.Form));

    public override int ScoringBatch(bool isOnGpu) => NumberInput.BatchOf(Shapes.Sum(shape => (long)shape.Size));

    public override Collator CreateCollator(Device device) => new TableCollator(parts, device);

    public override byte[] ProbeSample() => [.. parts.SelectMany(part => part.ProbeSample())];

    public override IReadOnlyList<TensorColumn> ToTensors()
    {
        IReadOnlyList<TensorColumn> tensors = [.. parts.SelectMany(part => part.ToTensors())];
        return tensors.Count == 1 ? tensors : [.. tensors.Select(tensor => tensor with { Name = tensor.Column })];
    }

    public override InputManifest Describe() => new TableInputManifest([.. parts.Select(part => part.Describe())]);

    public override (string Name, VectorDataViewType Type)? Numbers => parts is [var only] ? only.Numbers : null;

    public override DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix) =>
        [.. parts.SelectMany(part => part.ColumnsOf(context, schema, prefix))];

    public override DatasetBuilder Collect(IHost host, DataViewRow row) =>
        new Collector(OpenedParts.Of(parts, part => part.Collect(host, row)));

    public override RowReader Read(IHost host, DataViewRow row, int places) =>
        new Reader(OpenedParts.Of(parts, part => part.Read(host, row, places)));

    private static IReadOnlyList<ModuleContext.InputShape> Distinct(IReadOnlyList<ModuleContext.InputShape> shapes) =>
        shapes.GroupBy(shape => shape.Column).FirstOrDefault(same => same.Count() > 1) is { Key: var name }
            ? throw new ArgumentException(
                $"Two inputs of the module are called '{name}' (a sequence has a mask beside it): rename a column.")
            : shapes;

    private sealed class Collector(DatasetBuilder[] parts) : DatasetBuilder
    {
        public override void Collect() => Array.ForEach(parts, part => part.Collect());

        public override Dataset ToRows() => new Rows([.. parts.Select(part => part.ToRows())]);

        public override void Dispose() => Array.ForEach(parts, part => part.Dispose());
    }

    private sealed class Rows(IReadOnlyList<Dataset> parts) : Dataset
    {
        public override int Count => parts[0].Count;

        public override int Length { get; } = parts.Sum(part => part.Length);

        public override string Noun => "row";

        public override string? PathOf(int row) => parts.Select(part => part.PathOf(row)).FirstOrDefault(path => path is not null);

        public override ContentHash? ContentOf(int row)
        {
            var all = new byte[parts.Count * ContentHash.Size];
            for (var i = 0; i < parts.Count; i++)
            {
                if (parts[i].ContentOf(row) is not { } content)
                    return null;
                content.Write(all.AsSpan(i * ContentHash.Size));
            }
            return ContentHash.Of(all);
        }

        public override void Identify(int row, IncrementalHash hash)
        {
            foreach (var part in parts)
                part.Identify(row, hash);
        }

        public override string? DescribeStorage() => string.Join(" ", parts.Select(part => part.DescribeStorage()).OfType<string>())
            is { Length: > 0 } all ? all : null;

        public override string? Encode(
            int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default)
        {
            foreach (var part in parts)
            {
                if (part.Encode(row, augmentation, random, output[..part.Length], cancellation) is { } reason)
                    return reason;
                output = output[part.Length..];
            }
            return null;
        }

        public override void Dispose()
        {
            foreach (var part in parts)
                part.Dispose();
        }
    }

    private sealed class Reader(RowReader[] parts) : RowReader
    {
        public override int Length { get; } = parts.Sum(part => part.Length);

        public override string Noun => "row";

        public override void Take(int place)
        {
            foreach (var part in parts)
                part.Take(place);
        }

        public override string? Encode(int place, Augmentation view, Span<byte> output)
        {
            foreach (var part in parts)
            {
                if (part.Encode(place, view, output[..part.Length]) is { } reason)
                    return reason;
                output = output[part.Length..];
            }
            return null;
        }

        public override bool IsLarge(int place) => parts.Any(part => part.IsLarge(place));

        public override void Release(int place)
        {
            foreach (var part in parts)
                part.Release(place);
        }

        public override string Describe(int place) => "a row";

        public override void Dispose()
        {
            foreach (var part in parts)
                part.Dispose();
        }
    }
}
