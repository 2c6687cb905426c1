using Microsoft.ML.Runtime;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Onnx;

/// <summary>Chooses ONNX Runtime for the scoring of a model, if a trial finds its scores equal and it faster.</summary>
internal static class OnnxScoringEngine
{
    /// <param name="model">The model; it is not disposed.</param>
    /// <param name="seconds">See <see cref="EngineTrial.Run"/>.</param>
    public static FineTuningTransformer Of(FineTuningTransformer model, Func<string, Action, double>? seconds = null)
    {
        if (!model.Scorer.IsOnLibTorch)
            return model.Share();
        using var channel = model.Host.Start(nameof(OnnxRuntimeEngine.WithOnnxRuntime));
        StageEngine? engine = null;
        try
        {
            model.Scorer.Read(network => engine = OnnxEngine.Open(network, network.Stages.Count));
        }
        catch (NotSupportedException e)
        {
            return FallBack(e.Message);
        }
        var name = engine!.Name;
        var scored = With(model, engine);
        try
        {
            var verdict = Try(model, scored, seconds);
            if (verdict.IsAccepted)
            {
                channel.Info($"Scoring in {name}: {verdict.Reason}.");
                return scored;
            }
            scored.Dispose();
            return FallBack($"{name} is not used: {verdict.Reason}.");
        }
        catch
        {
            scored.Dispose();
            throw;
        }

        FineTuningTransformer FallBack(string reason)
        {
            channel.Warning($"Scoring in {StageEngine.LibTorch}: {reason}");
            return model.Share();
        }
    }

    private static FineTuningTransformer With(FineTuningTransformer model, StageEngine engine)
    {
        try
        {
            return model.With(engine);
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    // On one view: the engine is the same for all.
    private static EngineTrial.Verdict Try(
        FineTuningTransformer model, FineTuningTransformer scored, Func<string, Action, double>? seconds)
    {
        var rows = EngineTrial.RowsOf(model.Inputs);
        using var libTorch = model.Scorer.Share([Augmentation.None]);
        using var engine = scored.Scorer.Share([Augmentation.None]);
        return EngineTrial.Run(() => ScoresOf(libTorch), () => ScoresOf(engine), isRelative: false, mustBeFaster: true, seconds);

        float[] ScoresOf(NetworkScorer scorer)
        {
            var scores = new float[EngineTrial.Rows * scorer.ScoreLength];
            scorer.Score(rows, EngineTrial.Rows, scores);
            return scores;
        }
    }
}
