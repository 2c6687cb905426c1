using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Runs code that draws from torch's process-wide generator (a module's initial weights, its dropout) from a given seed, and restores the
/// generator afterwards. Calls are serialised, so that two trainings of modules alternate. On a GPU dropout draws from the device's
/// generator, which is seeded too but cannot be restored (TorchSharp 0.107 does not read its state).
/// </summary>
internal static class SeededTorch
{
    private static readonly Lock s_turn = new();

    /// <param name="seed">Seed of the training.</param>
    /// <param name="stream">The stream of random numbers, by purpose.</param>
    /// <param name="ordinal">Number of the call, such as the training step.</param>
    /// <param name="action">The code that draws.</param>
    /// <param name="part">Number of the part among those that draw in the same step.</param>
    /// <param name="rank">Number of this process among those that train together, each of which draws its own numbers.</param>
    public static T Run<T>(long seed, RandomStream stream, int ordinal, Func<T> action, int part = 0, int rank = 0)
    {
        var numbers = new CountedRandom(seed, stream, epoch: part | rank << 16, ordinal);
        var own = (long)((ulong)numbers.NextUInt32() << 32 | numbers.NextUInt32());
        lock (s_turn)
        {
            using var before = get_rng_state();
            try
            {
                manual_seed(own).Dispose();
                return action();
            }
            finally
            {
                set_rng_state(before);
            }
        }
    }
}
