using System.Runtime.InteropServices;
using Microsoft.ML;
using MlNetFineTune;
using QuickStart;

namespace ScoreInShards;

/// <summary>The part to copy: one folder, scored by any number of processes.</summary>
/// <param name="folder">The folder that all processes share.</param>
internal sealed class Job(string folder)
{
    private readonly MLContext _ml = new(seed: 1);

    public string? Photos { get; init; }

    public string? Model { get; init; }

    public string? Output { get; init; }

    public int? BlockRows { get; init; }

    private string PhotosPath => Photos ?? Path.Combine(folder, "photos");

    private string ModelPath => Model ?? Path.Combine(folder, "model.zip");

    private string ScoresPath => Path.Combine(folder, "scores");

    private string OutputPath => Output ?? Path.Combine(folder, "scores.idv");

    /// <summary>Scores the photos of a shard. The same call goes on where a killed one was.</summary>
    public void Score(Shard shard)
    {
        using var cancel = new CancellationTokenSource();
        using var stop = PosixSignalRegistration.Create(
            PosixSignal.SIGTERM, signal => Stop(signal, cancel)); // what Kubernetes and Slurm send
        using var key = PosixSignalRegistration.Create(
            PosixSignal.SIGINT, signal => Stop(signal, cancel));
        var options = new ShardingOptions { Progress = new Lines(), CancellationToken = cancel.Token };
        ShardProgress done = _ml.Model.TransformSharded(
            LoadModel(), LoadPhotos(), ScoresPath, shard, BlockRows is { } rows ? options with { BlockRows = rows } : options);
        Console.WriteLine($"Shard {shard}: {done.Rows} of {done.DataRows} photos are scored, {done.KeptRows} of them before.");
    }

    /// <summary>Writes the scores of all shards to one file, in the order of the photos.</summary>
    public void Merge()
    {
        _ml.Data.MergeShards(ScoresPath, OutputPath);
        Console.WriteLine($"Scores: {OutputPath}");
    }

    /// <summary>What one process would write.</summary>
    public void ScoreInOneProcess(string path)
    {
        using FileStream file = File.Create(path);
        _ml.Data.SaveAsBinary(LoadModel().Transform(LoadPhotos()), file);
    }

    /// <summary>Draws photos, and trains the model on others.</summary>
    public void Prepare(int trainingPhotos, int photos, int epochs)
    {
        string training = Path.Combine(folder, "training");
        SurfaceImages.WriteFolder(training, seed: 1, trainingPhotos);
        SurfaceImages.WriteFolder(PhotosPath, seed: ~1, photos);
        IDataView rows = _ml.Data.LoadImageFolder(training);
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
            {
                Backbone = Backbone.Micro.WithWeights(Path.Combine(AppContext.BaseDirectory, "Assets", "micro.safetensors")),
                ImageStatusColumnName = "Status", // why a photo has no scores
                Epochs = epochs,
                LearningRate = 5e-3f,
            }))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        using var model = pipeline.Fit(rows);
        _ml.Model.SaveAtomically(model, rows.Schema, ModelPath);
        Console.WriteLine($"Photos: {PhotosPath}\nModel: {ModelPath}");
    }

    private ITransformer LoadModel() => _ml.Model.Load(ModelPath, out _);

    // Sorted by path, so that all processes read them in the same order.
    private IDataView LoadPhotos() => _ml.Data.LoadImageFolder(PhotosPath);

    private static void Stop(PosixSignalContext signal, CancellationTokenSource cancel)
    {
        signal.Cancel = true; // the process ends by the exception instead
        cancel.Cancel();
    }

    private sealed class Lines : IProgress<ShardProgress>
    {
        private long _rows;

        public void Report(ShardProgress value)
        {
            if (value.Rows > _rows)
                Console.WriteLine($"Shard {value.Shard}: {value.Rows} photos are scored.");
            _rows = value.Rows;
        }
    }
}
