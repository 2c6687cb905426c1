using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// The statistics of BatchNorm over the rows of all processes of a training: mean and variance of a batch are those that one process
/// computes for the whole batch, and so are their gradients (as PyTorch's SyncBatchNorm). Since every process uses the sums over all rows,
/// the gradient of a process's part is the sum of what all processes have as gradient of the sums.
/// </summary>
/// <remarks>
/// The loss of which the gradients are must be a sum over the rows of the process, and not their mean. libtorch calls the backward pass
/// from native code, through which exceptions cannot pass: they are kept for <see cref="ThrowFailure"/>, and the gradient is then 0.
/// </remarks>
/// <param name="group">The processes.</param>
internal sealed class BatchStatistics(ProcessGroup group)
{
    private static readonly long[] s_allButChannels = [0, 2, 3];

    private bool[]? _counts;
    private ExceptionDispatchInfo? _failure;
    private Tensor? _returned; // the gradient that the last callback returned: see KeepAlive

    /// <summary>Begins a stage of a training step.</summary>
    /// <param name="rows">Its rows; null if all count.</param>
    public void Begin(TrainingRows? rows) => _counts = rows?.Counts;

    /// <summary>Mean and biased variance of each channel over the rows of all processes, and the number of values of a channel.</summary>
    /// <param name="maps">[N, C, H, W].</param>
    /// <returns>[C] each, Float64, in the current dispose scope.</returns>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    public (Tensor Mean, Tensor Variance, double Count) Of(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var sums = Sums.apply(maps, this); // [2 C + 1]
        var count = sums[-1].item<double>();
        var moments = sums.narrow(0, 0, 2 * maps.shape[1]).Div(count).view(2, -1);
        var mean = moments[0];
        var variance = moments[1].sub(mean.mul(mean)).ClampMin(0);
        return (mean.MoveToOuterDisposeScope(), variance.MoveToOuterDisposeScope(), count);
    }

    /// <summary>Throws what the last backward pass could not throw.</summary>
    public void ThrowFailure()
    {
        var failure = _failure;
        _failure = null;
        KeepAlive(null);
        failure?.Throw();
    }

    // TorchSharp passes the pointer alone to libtorch, which takes a reference of its own when the callback has returned (toTensors in
    // THSAutograd.cpp): until the next callback the tensor must live, and no longer, since it has the size of the layer's input.
    private Tensor? KeepAlive(Tensor? gradient)
    {
        _returned?.Dispose();
        return _returned = gradient?.DetachFromDisposeScope();
    }

    // In double precision the variance is right even where the mean is ten thousand deviations.
    private Tensor SumsOf(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var counted = PlacesThatCount(maps) is { } places ? maps.index_select(0, places) : maps;
        var count = counted.shape[0] * counted.shape[2] * counted.shape[3];
        var sums = zeros([2 * maps.shape[1] + 1], ScalarType.Float64, maps.device);
        if (count > 0)
        {
            var mean = counted.mean(s_allButChannels, keepdim: true); // [1, C, 1, 1]
            var gap = counted.sub(mean);
            var variance = gap.mul_(gap).mean(s_allButChannels).to_type(ScalarType.Float64);
            var means = mean.flatten().to_type(ScalarType.Float64);
            sums = cat([means, variance.Add(means.mul(means)), ones(1, ScalarType.Float64, maps.device)]).Mul(count);
        }
        return SumOverProcesses(sums).MoveToOuterDisposeScope();
    }

    // Of a sum of values and a sum of squares: g + 2 x h.
    private Tensor GradientOf(Tensor maps, bool[]? counts, Tensor gradient)
    {
        try
        {
            if (_failure is not null)
                return zeros_like(maps);
            using var scope = NewDisposeScope();
            var channels = maps.shape[1];
            var sums = SumOverProcesses(gradient);
            var ofSquares = sums.narrow(0, channels, channels).Mul(2).to_type(maps.dtype).view(1, -1, 1, 1);
            var result = maps.mul(ofSquares).Add_(sums.narrow(0, 0, channels).to_type(maps.dtype).view(1, -1, 1, 1));
            if (counts is not null)
                result.mul_(tensor(Array.ConvertAll(counts, row => row ? 1f : 0), ScalarType.Float32, maps.device).view(-1, 1, 1, 1));
            return result.MoveToOuterDisposeScope();
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
            return zeros_like(maps);
        }
    }

    private Tensor SumOverProcesses(Tensor terms)
    {
        var sum = terms.detach().to(CPU, copy: true).contiguous();
        group.Sum(MemoryMarshal.Cast<byte, double>(sum.bytes));
        return sum.to(terms.device);
    }

    private Tensor? PlacesThatCount(Tensor maps)
    {
        if (_counts is null || Array.TrueForAll(_counts, counts => counts))
            return null;
        long[] places = [.. _counts.Index().Where(row => row.Item).Select(row => (long)row.Index)];
        return tensor(places, [places.Length], ScalarType.Int64, maps.device);
    }

    /// <summary>Count, sum and sum of squares of each channel over all processes: [2 C + 1].</summary>
    private sealed class Sums : autograd.SingleTensorFunction<Sums>
    {
        private const string Owner = "owner", Counts = "counts";

        public override string Name => nameof(BatchStatistics);

        public override Tensor forward(autograd.AutogradContext context, params object[] arguments)
        {
            var (maps, owner) = ((Tensor)arguments[0], (BatchStatistics)arguments[1]);
            context.save_for_backward([maps]);
            context.save_data(Owner, owner);
            context.save_data(Counts, owner._counts!);
            return owner.SumsOf(maps);
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
        {
            var owner = (BatchStatistics)context.get_data(Owner);
            using var maps = context.get_saved_variables()[0];
            using (gradient)
                return [owner.KeepAlive(owner.GradientOf(maps, (bool[]?)context.get_data(Counts), gradient))!, null!];
        }
    }
}
