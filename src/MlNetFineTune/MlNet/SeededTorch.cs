using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Runs code that draws from torch's process-wide generator (a module's initial weights, its dropout) with numbers of our own, and leaves
/// the generator as it was. One at a time: two trainings of modules take turns. On a GPU dropout draws from the device's generator, which
/// is seeded too, but cannot be put back (TorchSharp 0.107 does not read its state).
/// </summary>
internal static class SeededTorch
{
    private static readonly Lock s_turn = new();

    /// <param name="seed">Seed of the training.</param>
    /// <param name="stream">What the numbers are for.</param>
    /// <param name="ordinal">Which time.</param>
    /// <param name="action">Draws.</param>
    /// <param name="part">Which of those that draw at the same time.</param>
    public static T Run<T>(long seed, RandomStream stream, int ordinal, Func<T> action, int part = 0)
    {
        var numbers = new CountedRandom(seed, stream, epoch: part, ordinal);
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
