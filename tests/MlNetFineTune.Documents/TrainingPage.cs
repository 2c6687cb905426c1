namespace MlNetFineTune.Documents;

/// <summary>Code of docs/training.md.</summary>
internal static class TrainingPage
{
    public static ImageFineTuningOptions LessMemory(ImageFineTuningOptions usual)
    {
        var options = usual with { ActivationCheckpointing = true };
        return options;
    }

    public static ImageFineTuningOptions SmallerFirst(ImageFineTuningOptions usual)
    {
        var options = usual with { ProgressiveResizing = new() { Size = 160, FullSizeEpochs = 1 } };
        return options;
    }

    public static ImageFineTuningOptions BFloat16(ImageFineTuningOptions usual)
    {
        var options = usual with { Precision = Precision.Auto };
        return options;
    }

    public static ImageFineTuningOptions Robust(ImageFineTuningOptions usual)
    {
        var options = usual with
        {
            Checkpoint = TrainingCheckpoint.EverySteps("runs/bees", steps: 200), // or EveryEpochs, EveryInterval
            TimeBudget = TimeSpan.FromHours(2),
            AccumulationSteps = 4, // 4 batches of 16 make one step of 64
            WeightAveraging = WeightAveraging.Exponential(0.999f), // or BestCheckpoints(3)
            OnDivergence = Divergence.ReturnBest(),
        };
        return options;
    }
}
