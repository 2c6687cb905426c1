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
    /// How one stage is computed by itself. With it, frozen stages are computed once a row (<see cref="FineTuningOptions.FeatureCache"/>),
    /// and <see cref="FineTuningOptions.ActivationCheckpointing"/> can compute stages again. The module is then run by its stages alone, in
    /// training and scoring, so that they must compute together what <c>forward</c> does. Only for a module of one input. Asked for once,
    /// when the module has been made. Default: null, the module runs as a whole. A <c>Sequential</c> needs none: its children are known.
    /// </summary>
    /// <param name="stage">Of <see cref="Stages"/>, from 0; the head is the last.</param>
    /// <returns>
    /// From what the stage before gave ([N, ...], Float32; for the first the module's input) to what this one gives; of the head
    /// [N, <see cref="ModuleContext.Outputs"/>]. Null for every stage, or for none: anything between is an error.
    /// </returns>
    Func<Tensor, Tensor>? ComputationOf(int stage) => null;
}
