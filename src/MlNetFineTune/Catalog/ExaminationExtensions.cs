using MlNetFineTune;
using MlNetFineTune.Examination;

namespace Microsoft.ML;

// Examination of data before training: ml.FineTuning.Examine(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Examines data before training: near-duplicates within and between training and test data, likely label errors, pictures that are
    /// unreadable, blank, blurred, tiny or stored rotated, classes with few rows or in one split only, and rows sorted by label. Each view
    /// is read twice: once for its labels and pictures, once through the frozen network.
    /// </summary>
    /// <remarks>
    /// The findings are hints, not verdicts: docs/examine.md has the recall and precision of planted errors. Pictures are not held in
    /// memory. For each row its features and some hundred bytes are, twice while labels are judged. The same data, options, seed and number
    /// of torch threads give the same findings on the same kind of CPU.
    /// </remarks>
    /// <param name="catalog">The catalog <c>ml.FineTuning</c>.</param>
    /// <param name="train">The training data, with the validation rows.</param>
    /// <param name="test">The test data, with the same columns; null if there are none.</param>
    /// <param name="options">The frozen network, the columns and the limits.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type; ML.NET's own error.</exception>
    /// <exception cref="InvalidOperationException">There are no rows.</exception>
    /// <exception cref="OperationCanceledException"><see cref="ExaminationOptions.CancellationToken"/> was cancelled.</exception>
    public static DataExamination Examine(
        this FineTuningCatalog catalog, IDataView train, IDataView? test, ExaminationOptions options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(options);
        return DataExaminer.Examine(catalog.Context, train, test, options);
    }
}
