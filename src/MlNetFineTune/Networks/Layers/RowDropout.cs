using System.Runtime.InteropServices;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Dropout (Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html) of one part of a network in one training step, scaled
/// by 1 / (1 - p). On the CPU a mask is drawn for each row, by the row's number and the place within the row: it does not depend on the
/// other rows of the batch, nor on the padding, so that several processes drop what one process drops. No generator is touched, and the
/// same step can be computed again.
/// </summary>
/// <remarks>
/// On other devices the masks of a whole batch are drawn on the device, by a generator of the step, the part and the process: drawing them
/// on the CPU would take longer than the step. There several processes drop other numbers than one process.
/// </remarks>
internal sealed class RowDropout
{
    // The third word of a counter has the site in 8 bits, the head of an attention in 12, and the window of the row in 12.
    private const int SiteBits = 8, HeadBits = 12;

    private readonly TrainingRows? _rows;
    private readonly int _rank;
    private readonly ulong _key;

    /// <param name="seed">Seed of the training.</param>
    /// <param name="stream">The stream of random numbers, by purpose.</param>
    /// <param name="part">The part of the network.</param>
    /// <param name="step">The training step, from 0.</param>
    /// <param name="rows">The rows; null for their places in the batch.</param>
    /// <param name="rank">Number of this process, for what cannot be drawn by rows.</param>
    public RowDropout(long seed, RandomStream stream, int part, int step, TrainingRows? rows, int rank)
    {
        var random = new CountedRandom(seed, stream, epoch: part, ordinal: step);
        _key = (ulong)random.NextUInt32() << 32 | random.NextUInt32();
        (_rows, _rank) = (rows, rank);
    }

    /// <summary>Whether masks on a device are drawn by rows.</summary>
    public static bool DrawsByRow(Device device) => device.type == DeviceType.CPU;

    /// <summary>Drops numbers of a tensor. The result is a new tensor.</summary>
    /// <param name="input">
    /// [N, ...]: vectors [N, C], vectors of tokens [N, T, C], or maps [N, C, H, W]. The first dimension may also be a multiple of the rows,
    /// such as all tokens of all rows.
    /// </param>
    /// <param name="probability">Fraction that is dropped, at least 0 and below 1.</param>
    /// <param name="site">Number of the tensor among those of the part that are dropped.</param>
    public Tensor Apply(Tensor input, double probability, int site = 0)
    {
        using var scope = NewDisposeScope();
        var mask = DrawsByRow(input.device) ? MaskOf(input, probability, site) : DrawOnDevice(input, probability, site);
        return input.mul(mask).MoveToOuterDisposeScope();
    }

    /// <summary>Drops weights of an attention. The result is a new tensor.</summary>
    /// <param name="weights">[N, heads, T, T], on the CPU.</param>
    /// <param name="probability">As in <see cref="Apply"/>.</param>
    /// <param name="site">As in <see cref="Apply"/>.</param>
    public Tensor ApplyToAttention(Tensor weights, double probability, int site)
    {
        using var scope = NewDisposeScope();
        var mask = empty(weights.shape, ScalarType.Float32);
        var (heads, queries, keys) = ((int)weights.shape[1], (int)weights.shape[2], (int)weights.shape[3]);
        Fill(mask, linesOfPlace: heads * queries, keys, probability,
            line => ((uint)(line % queries), (uint)(site | (line / queries + 1) << SiteBits)));
        return weights.mul(mask.to_type(weights.dtype)).MoveToOuterDisposeScope();
    }

    private Tensor MaskOf(Tensor input, double probability, int site)
    {
        // Maps are channels-last in memory, and a line of numbers is as long as a map: one of its width would be short. Of tokens each has
        // a line, so that a row with more padding has more lines.
        var areMaps = input.ndim == 4;
        var shape = input.shape;
        var mask = empty(areMaps ? [shape[0], shape[2], shape[3], shape[1]] : shape, ScalarType.Float32);
        var width = areMaps ? input.numel() / Math.Max(shape[0], 1) : input.ndim == 1 ? 1 : shape[^1];
        var lines = input.numel() / Math.Max(shape[0] * width, 1);
        Fill(mask, (int)lines, (int)width, probability, line => ((uint)line, (uint)site));
        return (areMaps ? mask.permute(0, 3, 1, 2) : mask).to_type(input.dtype);
    }

    // [places, lines, width]: the places of the first dimension are rows, windows of rows, or lines of those.
    private void Fill(Tensor mask, int linesOfPlace, int width, double probability, Func<int, (uint Line, uint Part)> wordsOf)
    {
        var all = MemoryMarshal.Cast<byte, float>(mask.bytes);
        var (bits, scale) = (new CountedBits(_key), ScaleOf(probability));
        var places = Places((int)mask.shape[0]);
        for (var place = 0; place < places.Length; place++)
        {
            var (number, window, begin) = places[place];
            for (var line = 0; line < linesOfPlace; line++)
            {
                var (within, part) = wordsOf(line);
                var counter = (within + (uint)(begin * linesOfPlace), number, part | window << SiteBits + HeadBits);
                bits.Fill(all[..width], counter, probability, scale);
                all = all[width..];
            }
        }
    }

    // Number of the row, its window, and the place among those of the window.
    private (uint Number, uint Window, int Place)[] Places(int count)
    {
        if (_rows is not { Numbers: var numbers, Windows: var windows })
            return [.. Enumerable.Range(0, count).Select(place => ((uint)place, 0u, 0))];
        if (windows is not null && count == windows.Sum())
        {
            return [.. numbers.Zip(windows).SelectMany(row =>
                Enumerable.Range(0, row.Second).Select(window => ((uint)row.First, (uint)window, 0)))];
        }
        if (numbers.Length > 0 && count % numbers.Length == 0)
        {
            var each = count / numbers.Length;
            return [.. numbers.SelectMany(number => Enumerable.Range(0, each).Select(place => ((uint)number, 0u, place)))];
        }
        // A user's module has moved the rows to another dimension: every process draws its own numbers.
        return [.. Enumerable.Range(0, count).Select(place => (uint.MaxValue - (uint)_rank, 0u, place))];
    }

    private Tensor DrawOnDevice(Tensor input, double probability, int site)
    {
        using var generator = new Generator(_key + (ulong)site + ((ulong)_rank << 32), input.device);
        var kept = rand(input.shape, input.dtype, input.device, generator: generator).Ge(probability);
        return kept.to_type(input.dtype).Mul_(ScaleOf(probability));
    }

    private static float ScaleOf(double probability) => (float)(1 / (1 - probability));
}
