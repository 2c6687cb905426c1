using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;

namespace MlNetFineTune.Training;

/// <summary>A separate validation set: its columns, which are checked before reading, and its rows.</summary>
internal sealed class ValidationRows
{
    private readonly IDataView _view;
    private readonly LabelSource _source;
    private readonly OtherLabels _labels;
    private readonly DataViewSchema.Column? _weight;

    private ValidationRows(IDataView view, LabelSource source, OtherLabels labels, DataViewSchema.Column? weight) =>
        (_view, _source, _labels, _weight) = (view, source, labels, weight);

    /// <exception cref="Exception">A column is missing or has another type than in the training data.</exception>
    public static ValidationRows Find(IHost host, IDataView view, ModelInput inputs, LabelSource labels, FineTuningOptions options)
    {
        var others = labels.OfOtherData(host, view.Schema);
        inputs.ColumnsOf(host, view.Schema, "validation ");
        return new ValidationRows(view, labels, others, WeightColumn.Find(host, view.Schema, options.ExampleWeightColumnName));
    }

    /// <exception cref="InvalidOperationException">No row has a label, or there are labels that the training data do not have.</exception>
    public RowSubset Read(IHost host, IChannel channel, ModelInput inputs, CancellationToken cancellation)
    {
        var rows = LabeledData.Read(host, _view, inputs, _source, _labels.Reader, _weight, groupColumn: null, cancellation);
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
