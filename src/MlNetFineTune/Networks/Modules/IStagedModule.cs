namespace MlNetFineTune;

/// <summary>
/// A module that names its stages, on which strategies act. Without it the module's own children are the stages, in the order in which they
/// were registered (fields: in the order in which they are declared), and the last one that has parameters is the head.
/// </summary>
public interface IStagedModule
{
    /// <summary>
    /// The prefix of the parameter names of each stage, from input to output, such as "embedding", "layers.0", "layers.1", "head". The last
    /// stage is the head, which always trains. A parameter or buffer belongs to the stage with the longest matching prefix; one that the
    /// module itself declares belongs to the first stage where no prefix matches.
    /// </summary>
    IReadOnlyList<string> Stages { get; }
}
