using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>ML.NET's scorer that computes a task's columns from an exported network's outputs.</summary>
/// <param name="Columns">Names of the label and output columns.</param>
internal abstract record StockScorer(TaskColumns Columns)
{
    /// <summary>Multiclass: the softmax of the logits, and the most probable class.</summary>
    internal sealed record OfClasses(TaskColumns Columns, LabelKeys Keys, float Temperature) : StockScorer(Columns);

    /// <summary>Binary: the sigmoid of the logit, and whether the score is above the threshold.</summary>
    internal sealed record OfTwo(TaskColumns Columns, float Temperature, float Threshold) : StockScorer(Columns);

    /// <summary>Multi-label: the probabilities with the labels' names, and whether they are above their thresholds.</summary>
    internal sealed record OfLabels(TaskColumns Columns, IReadOnlyList<string> Names, IReadOnlyList<float> Thresholds)
        : StockScorer(Columns);

    /// <summary>Regression: the unchanged score.</summary>
    internal sealed record OfNumber(TaskColumns Columns) : StockScorer(Columns);
}
