using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Search;

/// <summary>Builds an index of the rows of a data view in one pass.</summary>
internal static class ImageIndexBuilder
{
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidOperationException">Two rows have the same key, or no row has features.</exception>
    public static ImageIndex Build(IHostEnvironment environment, IDataView data, string keyColumnName, string featuresColumnName)
    {
        var key = EvaluatedColumns.Find(
            environment, data.Schema, keyColumnName, "key", "String", type => type is TextDataViewType);
        var features = EvaluatedColumns.Find(
            environment, data.Schema, featuresColumnName, "features", "Vector<Single> of known size",
            type => type is VectorDataViewType { Size: > 0 and <= ImageIndex.LargestDimension } vector
                && vector.ItemType == NumberDataViewType.Single);

        var index = new ImageIndex(((VectorDataViewType)features.Type).Size);
        var withoutFeatures = new List<string>();
        using (var cursor = data.GetRowCursor([key, features]))
        {
            var (nextKey, nextFeatures) = (cursor.GetGetter<ReadOnlyMemory<char>>(key), new VectorColumn<float>(cursor, features));
            ReadOnlyMemory<char> text = default;
            var unit = new float[index.Dimension];
            while (cursor.MoveNext())
            {
                nextKey(ref text);
                if (!UnitVectors.TryNormalize(nextFeatures.Next(), unit))
                    withoutFeatures.Add(text.ToString());
                else if (index.Contains(text.ToString()))
                {
                    throw new InvalidOperationException(
                        $"Two rows have {SafeText.Quoted(text.ToString())} in column '{keyColumnName}'. Keys must differ: "
                        + "give a column that names each row.");
                }
                else
                    index.Add(text.ToString(), unit);
            }
        }
        if (index.Count == 0)
        {
            throw new InvalidOperationException(
                $"There is nothing to index: {withoutFeatures.Count} rows, and none has features in column '{featuresColumnName}' "
                + "(the features of a picture that cannot be read are missing).");
        }
        if (withoutFeatures.Count > 0)
        {
            using var channel = environment.Start(nameof(ImageIndex));
            channel.Warning(
                $"{withoutFeatures.Count} rows have no features and are not in the index: {SafeText.Several(withoutFeatures)}.");
        }
        return index;
    }
}
