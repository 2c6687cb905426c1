using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;

/// <summary>Scores a shard of the pictures of a folder, or merges the shards, in a process that tests kill or start twice.</summary>
internal static class Sharded
{
    public const string Command = "shard";

    /// <param name="args">Model, pictures, folder of scores, shard, rows of a block; a sixth is the merged file.</param>
    public static void Run(string[] args)
    {
        var ml = new MLContext();
        using var model = (FineTuningTransformer)ml.Model.Load(args[0], out _);
        var photos = ml.Data.LoadImageFolder(args[1]);
        ml.Model.TransformSharded(model, photos, args[2], Shard.Parse(args[3]), new ShardingOptions
        {
            BlockRows = int.Parse(args[4], CultureInfo.InvariantCulture),
            Progress = new Lines(),
        });
        if (args.Length < 6)
            return;
        ml.Data.MergeShards(args[2], args[5]);
        foreach (var scores in ml.Data.LoadFromBinary(args[5]).GetColumn<float[]>("Score"))
            Console.WriteLine(string.Join(' ', scores.Select(score => BitConverter.SingleToInt32Bits(score))));
    }

    private sealed class Lines : IProgress<ShardProgress>
    {
        public void Report(ShardProgress value) => Console.WriteLine($"rows {value.Rows} kept {value.KeptRows}");
    }
}
