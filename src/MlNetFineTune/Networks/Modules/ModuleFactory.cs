using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;

namespace MlNetFineTune;

/// <summary>
/// Creates your network: once to train it, and again when a saved model is loaded, as ML.NET's <c>CustomMappingFactory</c> does. The class
/// has a <see cref="ModuleFactoryAttribute"/> with a contract name, is public, and has a constructor without parameters. Its public
/// properties are its settings: they are saved in the model as JSON and restored before the network is created again.
/// </summary>
/// <remarks>
/// A program that loads such a model must have the factory's assembly among its dependencies or in its folder, where it is found by the
/// name saved in the model; or it registers the assembly before loading:
/// <c>ml.ComponentCatalog.RegisterAssembly(typeof(MyFactory).Assembly)</c>.
/// </remarks>
public abstract class ModuleFactory : IFingerprinted
{
    object IFingerprinted.Fingerprint => ModuleContract.Of(this);

    /// <summary>
    /// Creates the network with initial weights, on the CPU. TorchSharp's random generator is seeded from the training's seed during the
    /// call, so that the same seed gives the same weights, and is restored afterwards.
    /// </summary>
    /// <param name="context">Shapes of the inputs, and the length of the output.</param>
    /// <returns>
    /// A module with one to six tensor arguments in the order of the inputs (<c>Module&lt;Tensor, Tensor&gt;</c>,
    /// <c>Module&lt;Tensor, Tensor, Tensor&gt;</c> ...), or with an array of them (<c>Module&lt;Tensor[], Tensor&gt;</c>). Its result is a
    /// tensor [N, <see cref="ModuleContext.Outputs"/>] of raw numbers (logits: no softmax, no sigmoid); for a module that replaces a stage
    /// see <see cref="Backbone.ReplaceStage"/>. Each call must return a new module; the caller disposes it.
    /// </returns>
    public abstract torch.nn.Module Create(ModuleContext context);
}

/// <summary>Names a <see cref="ModuleFactory"/>, so that a saved model finds it again.</summary>
/// <param name="contractName">The name saved in the model file. Do not change it while such models are in use.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ModuleFactoryAttribute(string contractName) : ExtensionBaseAttribute(contractName);
