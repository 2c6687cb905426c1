using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;

namespace PhotoDesk;

/// <summary>
/// The transforms that serve: the chain of a model's file and one more, which adds the model's id to each prediction, so that it is known
/// while models are switched, and whether the prediction is rejected by the calibrated thresholds.
/// </summary>
internal static class ServedChain
{
    /// <summary>The caller disposes the chain, from <see cref="PhotoRow"/> to <see cref="JudgedRow"/>.</summary>
    public static ITransformer Load(MLContext ml, FileStream file)
    {
        var id = ModelStore.IdOf(file.Name);
        var model = ml.Model.Load(file, out _);
        try
        {
            return WithVerdict(ml, model, id);
        }
        catch
        {
            (model as IDisposable)?.Dispose();
            throw;
        }
    }

    /// <summary>The network in a chain of a desk.</summary>
    public static FineTuningTransformer NetworkIn(ITransformer chain) => Flat(chain).OfType<FineTuningTransformer>().Single();

    /// <exception cref="InvalidDataException">The model was not calibrated.</exception>
    public static IReadOnlyDictionary<string, float?> ThresholdsOf(FineTuningTransformer network) => network.Calibration?.RejectThresholds
        ?? throw new InvalidDataException("The model has no calibration, which decides when a person should look.");

    private static TransformerChain<ITransformer> WithVerdict(MLContext ml, ITransformer model, long id)
    {
        var thresholds = ThresholdsOf(NetworkIn(model));
        var verdict = ml.Transforms.CustomMapping<ScoredRow, Verdict>(
            (answer, verdict) =>
            {
                verdict.ModelId = id;
                // No threshold: on the validation photos the class did not reach the target precision.
                verdict.Rejected = !(answer.Status == "" && thresholds[answer.PredictedLabel] is { } least && answer.Score.Max() >= least);
            },
            contractName: null);
        var nothing = model.Transform(ml.Data.LoadFromEnumerable<PhotoRow>([]));
        return new TransformerChain<ITransformer>(model, verdict.Fit(nothing));
    }

    private static IEnumerable<ITransformer> Flat(ITransformer model) =>
        model is IEnumerable<ITransformer> chain ? chain.SelectMany(Flat) : [model];
}
