using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;

namespace PhotoDesk;

/// <summary>
/// A model in memory: the chain of its file and one more transform, which adds the model's id to each prediction, so that it is known while
/// models are switched, and whether the prediction is rejected by the calibrated thresholds.
/// </summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly MLContext _ml;
    private readonly ITransformer _file;
    private readonly ImageExplainingTransformer _explainer;

    public LoadedModel(MLContext ml, long id, string path)
    {
        (_ml, Id) = (ml, id);
        _file = ml.Model.Load(path, out _);
        var network = ((IEnumerable<ITransformer>)_file).OfType<FineTuningTransformer>().Single();
        Classes = network.Classes;
        var thresholds = network.Calibration?.RejectThresholds
            ?? throw new InvalidDataException($"Model {id} has no calibration, which decides when a person should look.");
        var verdict = ml.Transforms.CustomMapping<ScoredRow, Verdict>(
            (answer, verdict) =>
            {
                verdict.ModelId = id;
                // No threshold: on the validation photos the class did not reach the target precision.
                verdict.Rejected = !(answer.Status == "" && thresholds[answer.PredictedLabel] is { } least && answer.Score.Max() >= least);
            },
            contractName: null);
        var nothing = _file.Transform(ml.Data.LoadFromEnumerable<PhotoRow>([]));
        _explainer = ml.Transforms.ExplainImages("Heat", nameof(PhotoRow.Photo), network, Explanation.GradCam())
            .Fit(ml.Data.LoadFromEnumerable<PhotoRow>([]));
        Transformer = new TransformerChain<ITransformer>(_file, verdict.Fit(nothing));
    }

    public long Id { get; }

    /// <summary>Names of the classes, in the order of the scores.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Transformer from <see cref="PhotoRow"/> to <see cref="JudgedRow"/>.</summary>
    public ITransformer Transformer { get; }

    /// <summary>The chain of the file, for <c>Backbone.FromModel</c> and <c>Transform</c>.</summary>
    public ITransformer File => _file;

    /// <summary>The photo with the heat of what speaks for the answer; null where it cannot be read. The caller disposes it.</summary>
    /// <exception cref="ObjectDisposedException">Another model has taken its place.</exception>
    public MLImage? Explain(byte[] photo) =>
        _explainer.Transform(_ml.Data.LoadFromEnumerable([new PhotoRow { Photo = photo }])).GetColumn<MLImage?>("Heat").Single();

    public void Dispose()
    {
        _explainer.Dispose();
        (_file as IDisposable)?.Dispose();
    }
}
