using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Sharding;

/// <summary>A scoring in shards, and the same in one process.</summary>
internal static class ShardedScores
{
    /// <summary>Scores all shards of some number, the last first.</summary>
    public static void Score(MLContext ml, ITransformer model, IDataView data, string folder, int shards, ShardingOptions? options = null)
    {
        for (var index = shards - 1; index >= 0; index--)
            ml.Model.TransformSharded(model, data, folder, Shard.Of(index, shards), options);
    }

    /// <summary>The file that one process writes.</summary>
    public static IDataView InOneProcess(MLContext ml, ITransformer model, IDataView data)
    {
        var path = Path.Combine(SmallPictures.NewFolder(), "alone.idv");
        using (var file = File.Create(path))
            ml.Data.SaveAsBinary(model.Transform(data), file);
        return ml.Data.LoadFromBinary(path);
    }

    /// <summary>The merged file.</summary>
    public static IDataView Merge(MLContext ml, string folder)
    {
        var path = Path.Combine(SmallPictures.NewFolder(), "merged.idv");
        ml.Data.MergeShards(folder, path);
        return ml.Data.LoadFromBinary(path);
    }

    /// <summary>A stock model of ML.NET on tables, with keys and their texts.</summary>
    public static ITransformer StockModel(MLContext ml)
    {
        var data = ml.Data.LoadFromEnumerable(TableRow.Many(60));
        return ml.Transforms.Conversion.MapValueToKey("Label", nameof(TableRow.Kind))
            .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(
                new() { MaximumNumberOfIterations = 5, NumberOfThreads = 1 }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedKind", "PredictedLabel")).Fit(data);
    }

    /// <summary>Rows whose number is not known, and which can be read once.</summary>
    public static IDataView Streamed<T>(MLContext ml, IEnumerable<T> rows)
        where T : class
    {
        return ml.Data.LoadFromEnumerable(Once());

        IEnumerable<T> Once()
        {
            foreach (var row in rows)
                yield return row;
        }
    }
}
