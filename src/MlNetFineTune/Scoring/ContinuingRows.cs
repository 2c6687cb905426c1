using Microsoft.ML;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Scoring;

/// <summary>
/// Rows that continue others of the same data: their batches are full from the first on, so that they consist of the same rows as in a pass
/// over all data, and the scores are bit-identical.
/// </summary>
internal static class ContinuingRows
{
    /// <summary>A view whose rows may begin in the middle of the data.</summary>
    public interface IView : IDataView
    {
        /// <summary>Whether the first row of the next cursor is not the first row of the data.</summary>
        bool Continue { get; }
    }

    /// <summary>Whether a view is, or transforms, a view that begins in the middle of the data.</summary>
    public static bool Are(IDataView view)
    {
        for (IDataView? source = view; source is not null; source = DataViews.SourceOf(source))
        {
            if (source is IView { Continue: var answer })
                return answer;
        }
        return false;
    }
}
