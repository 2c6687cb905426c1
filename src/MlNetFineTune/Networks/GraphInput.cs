namespace MlNetFineTune.Networks;

/// <summary>What a tensor that enters a graph from outside is made of.</summary>
internal enum GraphElement
{
    Single,
    Byte,

    /// <summary>As ML.NET stores keys.</summary>
    UInt32,
}

/// <summary>A tensor that enters a graph from outside.</summary>
/// <param name="Value">Its name in the graph and in the file.</param>
/// <param name="Elements">Their type.</param>
/// <param name="Shape">Of one row; the batch comes before it.</param>
internal sealed record GraphInput(GraphValue Value, GraphElement Elements, IReadOnlyList<long> Shape);

/// <summary>
/// What enters a network in a graph, as <see cref="ModelInputs"/> in a forward pass: the value that flows through the stages, and what
/// stands beside it, in the order of the input's columns.
/// </summary>
/// <param name="activations">[N, ...].</param>
/// <param name="beside">The same rows. None by default.</param>
internal sealed class GraphInputs(GraphValue activations, IReadOnlyList<GraphValue>? beside = null)
{
    public GraphValue Activations { get; } = activations;

    public IReadOnlyList<GraphValue> Beside { get; } = beside ?? [];

    public static implicit operator GraphInputs(GraphValue activations) => new(activations);
}
