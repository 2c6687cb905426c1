using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;

namespace MlNetFineTune.Training;

/// <summary>A validation set of its own: its columns, found before anything is read, and then its rows.</summary>
internal sealed class ValidationRows
{
    private readonly IDataView _view;
    private readonly DataViewSchema.Column _label;
    private readonly OtherLabels _labels;
    private readonly DataViewSchema.Column? _weight;

    private ValidationRows(IDataView view, DataViewSchema.Column label, OtherLabels labels, DataViewSchema.Column? weight) => (_view, _label, _labels, _weight) = (view, label, labels, weight);

    /// <exception cref="Exception">A column is missing, or of another type than the training's.</exception>
    public static ValidationRows Find(IHost host, IDataView view, InputSource inputs, LabelSource labels, FineTuningOptions options)
    {
        var label = view.Schema.GetColumnOrNull(labels.Column) ?? throw host.ExceptSchemaMismatch("validation", "validation label", labels.Column);
        inputs.ColumnsOf(host, view.Schema, "validation ");
        return new ValidationRows(view, label, labels.OfOtherData(host, label), WeightColumn.Find(host, view.Schema, options.ExampleWeightColumnName));
    }

    /// <exception cref="InvalidOperationException">No row has a label, or labels are there that the training does not know.</exception>
    public RowSubset Read(IHost host, IChannel channel, InputSource inputs, CancellationToken cancellation)
    {
        var rows = TrainingRows.Read(host, _view, inputs, _label, _labels.Reader, _weight, groupColumn: null, cancellation);
        try
        {
            _labels.Finish(channel);
            return rows.Count > 0
                ? new RowSubset(rows, [.. Enumerable.Range(0, rows.Count)])
                : throw new InvalidOperationException(
                    "ValidationData.Set: the data have no row with a label. Set Validation = ValidationData.None to train without.");
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }
}
