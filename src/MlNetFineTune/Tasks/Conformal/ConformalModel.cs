using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>Calibrated conformal prediction of a model. Immutable.</summary>
/// <param name="manifest">Its description in the model file.</param>
/// <param name="task">The task, with the finished calibration and threshold.</param>
/// <param name="sets">The sets of classes.</param>
/// <param name="nearest">The novelty score; null without one.</param>
internal sealed class ConformalModel(ConformalManifest manifest, BoundTask task, ConformalSets sets, NearestNeighbors? nearest)
{
    private readonly ClassScores _classes = task.ClassScores!;
    private readonly int _scores = task.Scoring.ScoreLength;

    public ConformalManifest Manifest => manifest;

    /// <summary>Computes the novelty, which follows the scores of the task in a row's values; null without one.</summary>
    public NearestNeighbors? Nearest => nearest;

    public ScoreColumns Columns => new ConformalColumns(task.Columns, _scores, _classes, this);

    public ConformalPrediction.Report Report => new()
    {
        Coverage = manifest.Coverage,
        Rows = manifest.Rows,
        Quantiles = manifest.Quantiles,
        NoveltyThreshold = manifest.Novelty?.Threshold,
        NoveltyRows = nearest?.Rows ?? 0,
        NoveltyBytes = nearest is null ? 0 : (long)nearest.Rows * nearest.Features * sizeof(float),
    };

    /// <summary>The classes of a row's set, the most probable first.</summary>
    /// <param name="values">Scores of the row, then its novelty if there is one.</param>
    public int[] SetOf(ReadOnlySpan<float> values) => sets.Of(_classes.ProbabilitiesOf(values[.._scores]));

    /// <summary>The novelty of a row.</summary>
    public float NoveltyOf(ReadOnlySpan<float> values) => values[_scores];

    /// <summary>Whether the set is not exactly the predicted class, or the row is novel. Of NaN as well.</summary>
    public bool IsRejected(ReadOnlySpan<float> values) =>
        SetOf(values) is not [var only] || only != _classes.PredictedOf(values[.._scores]) || IsNovel(values);

    /// <summary>Whether the novelty is above the threshold, or NaN.</summary>
    public bool IsNovel(ReadOnlySpan<float> values) =>
        manifest.Novelty is { Threshold: var threshold } && !(NoveltyOf(values) <= threshold);

    /// <summary>
    /// The outputs <c>prediction_set</c> ([N, classes], 1 for a class of the set), <c>novelty</c> ([N, 1]) and <c>rejected</c> ([N, 1], 1
    /// for a rejected row).
    /// </summary>
    /// <param name="graph">Receives the nodes.</param>
    /// <param name="outputs">Result of <see cref="BoundTask.WriteOutputs"/>.</param>
    /// <param name="features">The features before the head: [N, ...]; null if the network does not expose them.</param>
    public IReadOnlyList<GraphOutput> Write(NetworkGraph graph, IReadOnlyList<GraphOutput> outputs, GraphValue? features)
    {
        var first = graph.Nodes.Count;
        var count = _classes.Names.Count;
        var scores = sets.Score.Write(graph, _classes.WriteProbabilities(graph, outputs), count);
        var quantiles = graph.Constant("quantiles", [1, sets.Quantiles.Count], [.. sets.Quantiles]);
        var set = graph.ToFloats(graph.AddExact("LessOrEqual", scores, quantiles)); // [N, classes]
        var one = graph.Scalar("one", 1);
        var size = graph.Add("ReduceSum", [set, graph.Constant("axes", 1L)], ("keepdims", 1L)); // [N, 1]
        var predicted = graph.Add("GatherElements", [set, _classes.WritePredicted(graph, outputs)], ("axis", 1L)); // [N, 1]
        var accepted = graph.AddExact(
            "And", graph.AddExact("Equal", size, one), graph.AddExact("Equal", predicted, one));
        List<GraphOutput> all = [new(graph.Named(GraphOutput.PredictionSet, set), count)];
        if (nearest is not null && manifest.Novelty is { } novelty)
        {
            var distance = nearest.Write(graph, features
                ?? throw new NotSupportedException(
                    "The novelty score needs the features before the head, which this network does not give in a graph. "
                    + "Train with Novelty = NoveltyScore.None."));
            accepted = graph.AddExact(
                "And", accepted, graph.AddExact("LessOrEqual", distance, graph.Scalar("novelty_threshold", novelty.Threshold)));
            all.Add(new(graph.Named(GraphOutput.Novelty, distance), 1));
        }
        all.Add(new(graph.Named(GraphOutput.Rejected, graph.Add("Sub", [one, graph.ToFloats(accepted)])), 1));
        graph.KeepExact(first);
        return all;
    }
}
