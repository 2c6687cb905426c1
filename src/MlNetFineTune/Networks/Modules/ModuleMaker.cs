using System.Runtime.CompilerServices;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>Calls a user's factory, under a random state of its own.</summary>
internal static class ModuleMaker
{
    // Detects a factory that returns the same module twice: two models would train and dispose one module.
    private static readonly ConditionalWeakTable<nn.Module, object> s_known = [];

    /// <summary>
    /// Advice for a tensor of a type that cannot be saved, where the type is the default of the process
    /// and not chosen by the factory; else empty.
    /// </summary>
    public static string AdviceOn(ScalarType type) => type != ScalarType.Float32 && type == get_default_dtype()
        ? $" It is the default type of this process (torch.set_default_dtype): give the module's layers and "
            + "tensors dtype: ScalarType.Float32, or set the default back before."
        : "";

    /// <param name="factory">The user's factory.</param>
    /// <param name="name">Name of the network, for messages.</param>
    /// <param name="context">Inputs and outputs of the module.</param>
    /// <param name="seed">Seed of the training.</param>
    /// <param name="stream">The stream of random numbers.</param>
    /// <param name="ordinal">Number of the module in the stream.</param>
    /// <returns>A new module. The caller disposes it.</returns>
    /// <exception cref="InvalidOperationException">The factory failed.</exception>
    public static nn.Module Make(ModuleFactory factory, string name, ModuleContext context, long seed, RandomStream stream, int ordinal)
    {
        var who = $"The factory of {name} ({factory.GetType().Name})";
        return SeededTorch.Run(seed, stream, ordinal, () =>
        {
            nn.Module? made;
            try
            {
                made = factory.Create(context);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"{who} failed: {e.Message}", e);
            }
            if (made is null)
                throw new InvalidOperationException($"{who} gave null.");
            return s_known.TryAdd(made, made)
                ? made
                : throw new InvalidOperationException($"{who} gave the same module twice; Create must make a new one each time.");
        });
    }
}
