namespace MlNetFineTune.Networks;

/// <summary>Element type of an input tensor of a graph.</summary>
internal enum GraphElement
{
    Single,
    Byte,

    /// <summary>Keys as ML.NET stores them.</summary>
    UInt32,

    /// <summary>Token ids.</summary>
    Int64,
}

/// <summary>An input tensor of a graph.</summary>
/// <param name="Value">The value with the name in graph and file.</param>
/// <param name="Elements">Its element type.</param>
/// <param name="Shape">Shape of one row, without the batch dimension.</param>
internal sealed record GraphInput(GraphValue Value, GraphElement Elements, IReadOnlyList<long> Shape)
{
    /// <summary>In a shape: as many steps as the longest row of the batch has, the same number in all inputs.</summary>
    public const long Steps = -1;
}

/// <summary>
/// The input of a network in a graph, like <see cref="ModelInputs"/> in a forward pass: the value that is passed through the stages, and
/// additional values in the order of the input's columns.
/// </summary>
/// <param name="activations">[N, ...].</param>
/// <param name="beside">Additional values for the same rows. None by default.</param>
internal sealed class GraphInputs(GraphValue activations, IReadOnlyList<GraphValue>? beside = null)
{
    public GraphValue Activations { get; } = activations;

    public IReadOnlyList<GraphValue> Beside { get; } = beside ?? [];

    public static implicit operator GraphInputs(GraphValue activations) => new(activations);
}
