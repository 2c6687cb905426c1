using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.MlNet;

/// <summary>What ML.NET's data views say of each other; most of it is internal.</summary>
internal static class DataViews
{
    /// <summary>The view that a view reads; null where it is a loader's, or of a kind that does not say.</summary>
    public static IDataView? SourceOf(IDataView view) => view switch
    {
        IDataTransform transform => transform.Source,
        CacheDataView cache => SubsetInput(cache),
        _ => null,
    };

    /// <summary>Whether rows come from a cache, as <c>AppendCacheCheckpoint</c> and <c>ml.Data.Cache</c> make it.</summary>
    public static bool IsCache(IDataView view) => view is CacheDataView;

    /// <summary>The transformer that made a view of rows mapped one by one; null of other views.</summary>
    public static ITransformer? TransformerOf(IDataView view) => (view as RowToRowMapperTransform)?.GetTransformer();

    /// <summary>
    /// The same mapping of rows over another source; null where the view maps something else than rows one by one, or makes the column
    /// itself.
    /// </summary>
    /// <param name="env">Of the context.</param>
    /// <param name="view">The mapped view.</param>
    /// <param name="column">A column that must come from the source as it is.</param>
    public static Func<IDataView, IDataView>? Remapped(IHostEnvironment env, IDataView view, string column)
    {
        // An added column hides that of the source, which stays in the schema: then there is one more of the name.
        return view is RowToRowMapperTransform mapped && Count(mapped.OutputSchema) == Count(mapped.Source.Schema)
            ? source => ((ITransformTemplate)mapped).ApplyToData(env, source)
            : null;

        int Count(DataViewSchema schema) => schema.Count(found => found.Name == column);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_subsetInput")]
    private static extern ref IDataView SubsetInput(CacheDataView view);
}
