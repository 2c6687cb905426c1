using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.MlNet;

/// <summary>Relations between ML.NET's data views, mostly by internal members.</summary>
internal static class DataViews
{
    /// <summary>The source of a view; null if it is a loader's, or not known for this type of view.</summary>
    public static IDataView? SourceOf(IDataView view) => view switch
    {
        IDataTransform transform => transform.Source,
        CacheDataView cache => SubsetInput(cache),
        _ => null,
    };

    /// <summary>Whether the view is a cache, as from <c>AppendCacheCheckpoint</c> and <c>ml.Data.Cache</c>.</summary>
    public static bool IsCache(IDataView view) => view is CacheDataView;

    /// <summary>The transformer of a row-to-row mapped view; null for other views.</summary>
    public static ITransformer? TransformerOf(IDataView view) => (view as RowToRowMapperTransform)?.GetTransformer();

    /// <summary>
    /// The same row-to-row mapping of another source; null if the view is not a row-to-row mapping, or computes the column itself.
    /// </summary>
    /// <param name="env">Environment of the context.</param>
    /// <param name="view">The mapped view.</param>
    /// <param name="column">A column that the view must pass through unchanged.</param>
    public static Func<IDataView, IDataView>? Remapped(IHostEnvironment env, IDataView view, string column)
    {
        // An added column hides that of the source, which remains in the schema: then there are more columns of this name.
        return view is RowToRowMapperTransform mapped && Count(mapped.OutputSchema) == Count(mapped.Source.Schema)
            ? source => ((ITransformTemplate)mapped).ApplyToData(env, source)
            : null;

        int Count(DataViewSchema schema) => schema.Count(found => found.Name == column);
    }

    /// <summary>
    /// The data with other source rows: <paramref name="change"/> is applied below the row-to-row mappings on top of the data, which are
    /// made anew. ML.NET computes the rows of a mapping ahead on several threads, so that those on which no one waits are computed too.
    /// </summary>
    /// <param name="env">Environment of the context.</param>
    /// <param name="view">The data.</param>
    /// <param name="change">The other rows, with the same schema.</param>
    public static IDataView WithSource(IHostEnvironment env, IDataView view, Func<IDataView, IDataView> change) =>
        view is ITransformTemplate mapped and IRowToRowMapper
            ? mapped.ApplyToData(env, WithSource(env, mapped.Source, change))
            : change(view);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_subsetInput")]
    private static extern ref IDataView SubsetInput(CacheDataView view);
}
