using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>Which scorer of ML.NET's own makes a task's columns of an exported network's outputs.</summary>
/// <param name="Columns">Their names.</param>
internal abstract record StockScorer(TaskColumns Columns)
{
    /// <summary>Of one of several classes: the softmax of the logits, and the most probable class.</summary>
    internal sealed record OfClasses(TaskColumns Columns, LabelKeys Keys, float Temperature) : StockScorer(Columns);

    /// <summary>Of yes or no: the sigmoid of the logit, and whether the score is above the threshold.</summary>
    internal sealed record OfTwo(TaskColumns Columns, float Temperature, float Threshold) : StockScorer(Columns);

    /// <summary>Of several labels a row: the probabilities with the labels' names, and which are above their thresholds.</summary>
    internal sealed record OfLabels(TaskColumns Columns, IReadOnlyList<string> Names, IReadOnlyList<float> Thresholds)
        : StockScorer(Columns);

    /// <summary>Of a number: the score as it is.</summary>
    internal sealed record OfNumber(TaskColumns Columns) : StockScorer(Columns);
}
