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
/// <param name="GroupColumn">Name of an additional column with the number of the row in the source; null for none.</param>
internal sealed record AugmentingMode(int Pass, bool ThrowsOnBad, string? GroupColumn = null)
{
    public static AugmentingMode Scoring { get; } = new(PictureAugmenter.Unchanged, ThrowsOnBad: false);

    public static AugmentingMode Training { get; } = new(Pass: 1, ThrowsOnBad: true);
}

/// <summary>Maps rows one by one to an image and, if requested, the number of the row.</summary>
internal sealed class AugmentingMapper : IRowMapper
{
    private const int Image = 0, Group = 1;

    private readonly IHost _host;
    private readonly ImageAugmentingTransformer _transformer;
    private readonly AugmentingMode _mode;
    private readonly DataViewSchema.Column _input;
    private readonly DataViewSchema.DetachedColumn[] _outputs;

    public AugmentingMapper(IHost host, ImageAugmentingTransformer transformer, AugmentingMode mode, DataViewSchema schema)
    {
        (_host, _transformer, _mode) = (host, transformer, mode);
        _input = transformer.Input.In(schema, host, nameof(schema), "image");
        var image = _input.Type is ImageDataViewType
            ? new DataViewSchema.DetachedColumn(transformer.OutputColumn, _input.Type, _input.Annotations)
            : new DataViewSchema.DetachedColumn(transformer.OutputColumn, new ImageDataViewType());
        _outputs = mode.GroupColumn is { } group
            ? [image, new DataViewSchema.DetachedColumn(group, NumberDataViewType.UInt64)]
            : [image];
    }

    public Func<int, bool> GetDependencies(Func<int, bool> activeOutput) => column => column == _input.Index && activeOutput(Image);

    public Delegate?[] CreateGetters(DataViewRow row, Func<int, bool> activeOutput, out Action? disposer)
    {
        disposer = null;
        var getters = new Delegate?[_outputs.Length];
        if (activeOutput(Image))
        {
            var augmenter = _mode.Pass == PictureAugmenter.Unchanged ? null : _transformer.Augmenter;
            getters[Image] = new AugmentedColumn(_host, row, _transformer.Input, augmenter, _mode.Pass, _mode.ThrowsOnBad).Getter();
        }
        if (_outputs.Length > Group && activeOutput(Group))
        {
            var next = row.GetIdGetter();
            getters[Group] = (ValueGetter<ulong>)((ref ulong number) =>
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
