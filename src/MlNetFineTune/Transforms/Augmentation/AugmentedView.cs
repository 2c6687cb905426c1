using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Transforms;

/// <summary>
/// The data on which estimators after <see cref="ImageAugmentingTransformer"/> are fitted: the source with augmented pictures, the same on
/// every cursor. Trainers of this library detect it and use its source and augmentation.
/// </summary>
/// <param name="mapped">The rows with augmented pictures.</param>
/// <param name="transformer">The transformer that created the view.</param>
/// <param name="augmentation">The augmentation of the pictures.</param>
internal sealed class AugmentedView(IDataTransform mapped, ImageAugmentingTransformer transformer, Augmentation augmentation)
    : IDataTransform
{
    public Augmentation Augmentation { get; } = augmentation;

    public ImageAugmentingTransformer Transformer { get; } = transformer;

    public IDataView Source => mapped.Source;

    public DataViewSchema Schema => mapped.Schema;

    public bool CanShuffle => mapped.CanShuffle;

    public long? GetRowCount() => mapped.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        mapped.GetRowCursor(columnsNeeded, rand);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        mapped.GetRowCursorSet(columnsNeeded, n, rand);

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        throw Contracts.ExceptNotSupp("Augmented data are not saved with their transformer; save the transformer.");
}
