namespace MlNetFineTune;

/// <summary>
/// A module that says what its stages are, for strategies. Without it the module's own children are the stages, in the order in which they
/// were registered (fields: in the order in which they are declared), and the last one that has parameters is the head.
/// </summary>
public interface IStagedModule
{
    /// <summary>
    /// How the names of the parameters of each stage begin, from the input on, such as "embedding", "layers.0", "layers.1", "head". The
    /// last is the head, which always trains. Every parameter and buffer belongs to the longest of them that fits, and one of the module
    /// itself to the first stage if none does.
    /// </summary>
    IReadOnlyList<string> Stages { get; }
}
