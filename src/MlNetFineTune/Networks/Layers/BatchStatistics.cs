using MlNetFineTune.MlNet;
using MlNetFineTune.Processes;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// The statistics of BatchNorm over the rows of all processes of a training: mean and variance of a batch are those that one process
/// computes for the whole batch, and so are their gradients (as PyTorch's SyncBatchNorm).
/// </summary>
/// <remarks>
/// Each process computes the mean and variance of its rows by libtorch's stable sums. With these, in double precision, one sum over the
/// processes gives count, sum and sum of squares of all, and a variance that is right to single precision even where the mean is ten
/// thousand deviations.
/// </remarks>
/// <param name="group">The processes.</param>
internal sealed class BatchStatistics(ProcessGroup group)
{
    private static readonly long[] s_allButChannels = [0, 2, 3];

    private readonly ProcessSum _sum = new(group);
    private bool[]? _counts;

    /// <summary>Begins a stage of a training step.</summary>
    /// <param name="rows">Its rows; null if all count.</param>
    public void Begin(TrainingRows? rows) => _counts = rows?.Counts;

    /// <inheritdoc cref="ProcessSum.ThrowFailure"/>
    public void ThrowFailure() => _sum.ThrowFailure();

    /// <summary>Mean and biased variance of each channel over the rows of all processes, and the number of values of a channel.</summary>
    /// <param name="maps">[N, C, H, W].</param>
    /// <returns>[C] each, Float64, in the current dispose scope.</returns>
    public (Tensor Mean, Tensor Variance, double Count) Of(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var counted = Counted(maps);
        var own = counted.shape[0] * counted.shape[2] * counted.shape[3];
        var terms = own == 0 ? NoTerms(maps) : TermsOf(counted, own); // [2, C]
        var sums = _sum.Of(cat([terms.flatten(), tensor(new double[] { own }, [1], ScalarType.Float64, maps.device)])); // [2 C + 1]
        var count = sums[-1].item<double>();
        var moments = sums.narrow(0, 0, terms.numel()).Div(count).view(terms.shape);
        var mean = moments[0];
        var variance = moments[1].sub(mean.mul(mean)).ClampMin(0);
        return (mean.MoveToOuterDisposeScope(), variance.MoveToOuterDisposeScope(), count);
    }

    // Sum and sum of squares of each channel, [2, C].
    private static Tensor TermsOf(Tensor maps, long count)
    {
        var mean = maps.mean(s_allButChannels).to_type(ScalarType.Float64);
        var variance = maps.var(s_allButChannels, unbiased: false).to_type(ScalarType.Float64);
        return stack([mean, variance.Add(mean.mul(mean))]).Mul(count);
    }

    // They are connected with the maps, so that the backward pass has the same steps in all processes.
    private static Tensor NoTerms(Tensor maps)
    {
        var none = maps.sum(s_allButChannels).to_type(ScalarType.Float64).Mul(0);
        return stack([none, none]);
    }

    private Tensor Counted(Tensor maps)
    {
        if (_counts is null || Array.TrueForAll(_counts, counts => counts))
            return maps;
        long[] places = [.. _counts.Index().Where(row => row.Item).Select(row => (long)row.Index)];
        return maps.index_select(0, tensor(places, [places.Length], ScalarType.Int64, maps.device));
    }
}
