using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using QuickStart;

namespace MlNetFineTune.Soak;

/// <summary>A photo by its path.</summary>
internal sealed class PhotoRow
{
    public string ImagePath { get; set; } = "";

    public string Label { get; set; } = "";
}

/// <summary>What a model says of a photo.</summary>
internal sealed class PhotoAnswer
{
    public string PredictedLabel { get; set; } = "";

    public float[] Score { get; set; } = [];
}

/// <summary>Trainings of a small pretrained network on drawn photos, one of which is broken.</summary>
/// <remarks>Each has a context of its own, as it should in a program that runs for long: ML.NET's context remembers every component that it
/// has made, by a weak reference that it never removes, and the progress of each of ML.NET's own estimators.</remarks>
internal sealed class PhotoTrainings
{
    private readonly string _folder, _caches, _train, _test;
    private readonly Backbone _backbone =
        Backbone.Micro.WithWeights(Path.Combine(AppContext.BaseDirectory, "Assets", "micro.safetensors"));

    /// <param name="folder">Where photos and checkpoints are written.</param>
    public PhotoTrainings(string folder)
    {
        _folder = folder;
        _caches = Path.Combine(folder, "features");
        (_train, _test) = (Path.Combine(folder, "train"), Path.Combine(folder, "test"));
        SurfaceImages.WriteFolder(_train, seed: 1, imagesPerKind: 24);
        SurfaceImages.WriteFolder(_test, seed: ~1, imagesPerKind: 5);
        var broken = Directory.EnumerateFiles(_train, "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First();
        File.WriteAllBytes(broken, File.ReadAllBytes(broken)[..500]);
        var ml = new MLContext();
        TestRows = [.. ml.Data.CreateEnumerable<PhotoRow>(ml.Data.LoadImageFolder(_test), reuseRowObject: false)];
    }

    public IReadOnlyList<PhotoRow> TestRows { get; }

    private ImageFineTuningOptions Options => new()
    {
        Backbone = _backbone,
        BatchSize = 16,
        BadRows = BadRows.Skip(),
        LearningRate = 5e-3f,
    };

    /// <exception cref="InvalidOperationException">The answer is none.</exception>
    public static void Check(PhotoAnswer answer)
    {
        if (!SurfaceImages.Kinds.Contains(answer.PredictedLabel) || !(Math.Abs(answer.Score.Sum() - 1) <= 1e-4))
            throw new InvalidOperationException($"A photo is '{answer.PredictedLabel}' with [{string.Join(", ", answer.Score)}].");
    }

    /// <summary>The head alone, on features from a folder; saves the model, and scores with it in ONNX Runtime.</summary>
    public void HeadOnly(int seed, string path)
    {
        var ml = new MLContext(seed);
        using var model = Fit(
            ml,
            Options with
            {
                Strategy = Strategy.HeadOnly,
                Augmentation = Augmentation.None,
                Epochs = 6,
                FeatureCache = FeatureCache.InFolder(_caches),
            });
        var network = model.OfType<FineTuningTransformer>().Single();
        if (network.Report!.BadRows.Count + network.Report.ValidationBadRows.Count != 1)
            throw new InvalidOperationException("The broken photo was not found.");
        using (var fast = network.WithOnnxRuntime())
            _ = ml.Data.CreateEnumerable<Scores>(fast.Transform(ml.Data.LoadImageFolder(_test)), reuseRowObject: true).Count();
        ml.Model.SaveAtomically(model, ml.Data.LoadImageFolder(_train).Schema, path);
    }

    /// <summary>Adapters in the last stages with augmentation: cancelled in its second epoch, then resumed from its checkpoint.</summary>
    public void CancelledAndResumed(int seed)
    {
        using var stop = new CancellationTokenSource();
        var checkpoints = Path.Combine(_folder, "checkpoints");
        var options = Options with
        {
            Adapter = Adapter.Lora(rank: 4),
            Strategy = Strategy.LastStages(3),
            Augmentation = Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea: 0.5f), Augmentation.HorizontalFlip()),
            Epochs = 3,
            Checkpoint = TrainingCheckpoint.EverySteps(checkpoints, steps: 2),
        };
        try
        {
            using var cancelled = Fit(
                new MLContext(seed), options with { CancellationToken = stop.Token, Progress = new InSecondEpoch(stop) });
            throw new InvalidOperationException("A cancelled training came to its end.");
        }
        catch (OperationCanceledException)
        {
            // As it should.
        }
        using var model = Fit(new MLContext(seed), options);
        if (model.OfType<FineTuningTransformer>().Single().Report!.Resumed is null)
            throw new InvalidOperationException("The training did not go on from its checkpoint.");
        Directory.Delete(checkpoints, recursive: true);
    }

    /// <summary>Metrics of the model that serves; it may be replaced while it is used.</summary>
    public double Evaluate(ITransformer model)
    {
        var ml = new MLContext();
        return ml.MulticlassClassification.Evaluate(model.Transform(ml.Data.LoadImageFolder(_test))).MicroAccuracy;
    }

    private TransformerChain<KeyToValueMappingTransformer> Fit(MLContext ml, ImageFineTuningOptions options) =>
        ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(options))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"))
            .Fit(ml.Data.LoadImageFolder(_train));

    private sealed class InSecondEpoch(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value is { Activity: TrainingActivity.Training, Epoch: 2 })
                stop.Cancel();
        }
    }

    private sealed class Scores
    {
        public float[] Score { get; set; } = [];
    }
}
