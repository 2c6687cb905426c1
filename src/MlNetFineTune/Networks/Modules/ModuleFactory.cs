using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;

namespace MlNetFineTune;

/// <summary>
/// Makes your network: once to train it, and again when a saved model is loaded, in the manner of ML.NET's <c>CustomMappingFactory</c>. The
/// class carries <see cref="ModuleFactoryAttribute"/> with a contract name, is public, and has a constructor without parameters. Its public
/// properties are its settings: they are saved in the model as JSON, and set again before the network is made anew.
/// </summary>
/// <remarks>
/// A program that loads such a model has the factory's assembly among its dependencies or beside it, where it is found by the name that
/// stands in the model; or it registers the assembly before:
/// <c>ml.ComponentCatalog.RegisterAssembly(typeof(MyFactory).Assembly)</c>.
/// </remarks>
public abstract class ModuleFactory : IFingerprinted
{
    object IFingerprinted.Fingerprint => ModuleContract.Of(this);

    /// <summary>
    /// Makes the network, with new weights and on the CPU. Called under a random state of its own that the training's seed decides: the
    /// same seed gives the same weights, and TorchSharp's process-wide generator is left as it was.
    /// </summary>
    /// <param name="context">What goes in and what must come out.</param>
    /// <returns>
    /// A module of one to six tensors that gives a tensor (<c>Module&lt;Tensor, Tensor&gt;</c>, <c>Module&lt;Tensor, Tensor, Tensor&gt;</c>
    /// ...), in the order of the inputs, or of an array of them (<c>Module&lt;Tensor[], Tensor&gt;</c>). It gives [N,
    /// <see cref="ModuleContext.Outputs"/>] raw numbers (logits: no softmax, no sigmoid); <see cref="Backbone.ReplaceStage"/> says what
    /// layers in the place of a stage give. It is a new one at every call, and belongs to the caller from then on.
    /// </returns>
    public abstract torch.nn.Module Create(ModuleContext context);
}

/// <summary>Names a <see cref="ModuleFactory"/>, so that a saved model finds it again.</summary>
/// <param name="contractName">Stands in the model file: never change it while models with it are in use.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ModuleFactoryAttribute(string contractName) : ExtensionBaseAttribute(contractName);
