using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Transforms;

/// <summary>How <see cref="ImageAugmentingTransformer"/> maps rows.</summary>
/// <param name="Pass">
/// Index of the random numbers, from 1; with <see cref="PictureAugmenter.Unchanged"/> pictures are not augmented.
/// </param>
/// <param name="ThrowsOnBad">Whether a picture that cannot be read is an error.</param>
/// <param name="GroupColumn">Name of a column with the number of the row in the source; null for none.</param>
/// <param name="GivesFiles">Whether paths or bytes stand before the images that are made of them (<see cref="DecodedFrom"/>).</param>
/// <param name="CopiesImages">
/// Whether unchanged images are copies that belong to the reader, instead of the source's: augmented ones take turns with them in the
/// reader's variable, and dispose what they find there.
/// </param>
internal sealed record AugmentingMode(
    int Pass, bool ThrowsOnBad, string? GroupColumn = null, bool GivesFiles = false, bool CopiesImages = false)
{
    public static AugmentingMode Scoring { get; } = new(PictureAugmenter.Unchanged, ThrowsOnBad: false, GivesFiles: true);

    public static AugmentingMode Training { get; } = new(Pass: 1, ThrowsOnBad: true);
}

/// <summary>Maps rows one by one to an image, its source, and the number of the row, each if requested.</summary>
internal sealed class AugmentingMapper : IRowMapper
{
    private readonly IHost _host;
    private readonly ImageAugmentingTransformer _transformer;
    private readonly AugmentingMode _mode;
    private readonly DataViewSchema.Column _input;
    private readonly DataViewSchema.DetachedColumn[] _outputs;
    private readonly int? _files, _group;
    private readonly int _image;

    public AugmentingMapper(IHost host, ImageAugmentingTransformer transformer, AugmentingMode mode, DataViewSchema schema)
    {
        (_host, _transformer, _mode) = (host, transformer, mode);
        _input = transformer.Input.In(schema, host, nameof(schema), "image");
        var image = _input.Type is ImageDataViewType
            ? new DataViewSchema.DetachedColumn(transformer.OutputColumn, _input.Type, _input.Annotations)
            : new DataViewSchema.DetachedColumn(transformer.OutputColumn, new ImageDataViewType());
        List<DataViewSchema.DetachedColumn> outputs = [];
        if (mode.GivesFiles && _input.Type is not ImageDataViewType)
        {
            _files = outputs.Count;
            outputs.Add(new(transformer.OutputColumn, _input.Type, DecodedFrom.Mark(transformer.Input.Folder)));
        }
        _image = outputs.Count;
        outputs.Add(image); // of the same name: it hides the files
        if (mode.GroupColumn is { } group)
        {
            _group = outputs.Count;
            outputs.Add(new(group, NumberDataViewType.UInt64));
        }
        _outputs = [.. outputs];
    }

    public Func<int, bool> GetDependencies(Func<int, bool> activeOutput) => column =>
        column == _input.Index && (activeOutput(_image) || (_files is { } files && activeOutput(files)));

    public Delegate?[] CreateGetters(DataViewRow row, Func<int, bool> activeOutput, out Action? disposer)
    {
        disposer = null;
        var getters = new Delegate?[_outputs.Length];
        if (_files is { } files && activeOutput(files))
        {
            getters[files] = _input.Type is VectorDataViewType
                ? row.GetGetter<VBuffer<byte>>(row.Schema[_input.Index])
                : row.GetGetter<ReadOnlyMemory<char>>(row.Schema[_input.Index]);
        }
        if (activeOutput(_image))
        {
            var augmenter = _mode.Pass == PictureAugmenter.Unchanged ? null : _transformer.Augmenter;
            getters[_image] = new AugmentedColumn(_host, row, _transformer.Input, augmenter, _mode).Getter();
        }
        if (_group is { } group && activeOutput(group))
        {
            var next = row.GetIdGetter();
            getters[group] = (ValueGetter<ulong>)((ref ulong number) =>
            {
                DataViewRowId id = default;
                next(ref id);
                number = RowIds.NumberOf(id);
            });
        }
        return getters;
    }

    public DataViewSchema.DetachedColumn[] GetOutputColumns() => _outputs;

    public ITransformer GetTransformer() => _transformer;

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        throw _host.ExceptNotSupp("A row mapper is made anew from its transformer; save the transformer.");
}
