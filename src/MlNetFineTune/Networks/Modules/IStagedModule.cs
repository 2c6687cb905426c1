using static TorchSharp.torch;

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

    /// <summary>
    /// Returns the function that computes one stage. With it, the features of frozen stages can be cached
    /// (<see cref="FineTuningOptions.FeatureCache"/>), and <see cref="FineTuningOptions.ActivationCheckpointing"/> can recompute stages. In
    /// training and scoring the stages are then run one after another instead of <c>forward</c>, and must compute the same. Only for
    /// modules with one input. Called once for each stage, after the module has been created. Default: null; the module runs as a whole. A
    /// <c>Sequential</c> does not need it: its children are run.
    /// </summary>
    /// <param name="stage">Index in <see cref="Stages"/>, from 0; the head is the last.</param>
    /// <returns>
    /// A function from the output of the previous stage ([N, ...], Float32; for the first stage the module's input) to the output of this
    /// one; for the head [N, <see cref="ModuleContext.Outputs"/>]. Either null for all stages or for none; otherwise training fails.
    /// </returns>
    Func<Tensor, Tensor>? ComputationOf(int stage) => null;
}
