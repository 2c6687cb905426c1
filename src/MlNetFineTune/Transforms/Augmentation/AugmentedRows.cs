using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Transforms;

/// <summary>A larger data view: the original rows, followed by all rows of each copy with augmented pictures. Lazy.</summary>
internal static class AugmentedRows
{
    /// <param name="env">Environment of the context.</param>
    /// <param name="data">The original rows.</param>
    /// <param name="copies">Number of copies. At least 1.</param>
    /// <param name="transformer">Computes the column of images.</param>
    /// <param name="groupColumn">Name of the column whose value a row and its copies share.</param>
    /// <param name="keepOriginals">Whether the result begins with the original rows.</param>
    public static IDataView Of(
        IHostEnvironment env, IDataView data, int copies, ImageAugmentingTransformer transformer, string groupColumn, bool keepOriginals)
    {
        if (data.Schema.GetColumnOrNull(groupColumn) is not null || groupColumn == transformer.OutputColumn)
        {
            throw new ArgumentException(
                $"There is a column {SafeText.Quoted(groupColumn)} already: name the column of original rows otherwise.",
                nameof(groupColumn));
        }
        var first = keepOriginals ? PictureAugmenter.Unchanged : PictureAugmenter.Unchanged + 1;
        IDataView[] passes =
        [
            .. Enumerable.Range(first, copies + PictureAugmenter.Unchanged + 1 - first)
                .Select(pass => transformer.Mapped(
                    data, new AugmentingMode(pass, ThrowsOnBad: true, groupColumn, CopiesImages: true))),
        ];
        return AppendRowsDataView.Create(env, schema: null, passes);
    }
}
