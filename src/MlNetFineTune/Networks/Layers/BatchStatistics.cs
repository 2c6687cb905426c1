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
    private List<Tensor> _returned = []; // the gradients that the last callback returned: see KeepAlive

    /// <summary>Begins a stage of a training step.</summary>
    /// <param name="rows">Its rows; null if all count.</param>
    public void Begin(TrainingRows? rows) => _counts = rows?.Counts;

    /// <summary>The moments of each channel over the rows of all processes.</summary>
    /// <param name="maps">[N, C, H, W].</param>
    /// <returns>Moments in the current dispose scope, without gradients: <see cref="Normalize"/> has those.</returns>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    public BatchMoments Of(Tensor maps)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var channels = maps.shape[1];
        var places = PlacesThatCount(maps);
        var counted = places is null ? maps : maps.index_select(0, places);
        var count = counted.shape[0] * counted.shape[2] * counted.shape[3];
        var center = count > 0 ? counted.mean(s_allButChannels) : zeros(channels, maps.dtype, maps.device); // [C]
        var centered = maps.sub(OfChannels(center));
        var sums = zeros([2 * channels + 1], ScalarType.Float64, maps.device);
        var center64 = center.to_type(ScalarType.Float64);
        if (count > 0)
        {
            // In double precision the variance is right even where the mean is ten thousand deviations.
            var gaps = places is null ? centered : centered.index_select(0, places);
            var variance = gaps.mul(gaps).mean(s_allButChannels).to_type(ScalarType.Float64);
            sums = cat([center64, variance.Add(center64.mul(center64)), ones(1, ScalarType.Float64, maps.device)]).Mul(count);
        }
        sums = SumOverProcesses(sums);
        var total = sums[-1].item<double>();
        var moments = sums.narrow(0, 0, 2 * channels).Div(total).view(2, -1);
        var ofAll = moments[1].sub(moments[0].mul(moments[0])).ClampMin(0);
        return new BatchMoments(
            moments[0].MoveToOuterDisposeScope(), ofAll.MoveToOuterDisposeScope(), total, centered.MoveToOuterDisposeScope(),
            center64.sub(moments[0]).MoveToOuterDisposeScope(), _counts);
    }

    /// <summary>Normalises by moments, scales and shifts; with the gradients through the moments of all processes.</summary>
    /// <param name="maps">[N, C, H, W].</param>
    /// <param name="weight">[C]: scale of each channel.</param>
    /// <param name="bias">[C]: shift of each channel.</param>
    /// <param name="moments">Moments of <paramref name="maps"/>.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <returns>[N, C, H, W] in the current dispose scope.</returns>
    public Tensor Normalize(Tensor maps, Tensor weight, Tensor bias, BatchMoments moments, double epsilon) =>
        Normalization.apply(maps, weight, bias, moments, this, epsilon);

    /// <summary>Throws what the last backward pass could not throw.</summary>
    public void ThrowFailure()
    {
        var failure = _failure;
        _failure = null;
        KeepAlive();
        failure?.Throw();
    }

    // TorchSharp passes pointers alone to libtorch, which takes references of its own when the callback has returned (toTensors in
    // THSAutograd.cpp): until the next callback the tensors must live, and no longer, since one has the size of the layer's input.
    private List<Tensor> KeepAlive(params Tensor[] gradients)
    {
        foreach (var former in _returned)
            former.Dispose();
        _returned = [.. gradients.Select(gradient => gradient.DetachFromDisposeScope())];
        return [.. _returned];
    }

    private List<Tensor> Gradients(Tensor gradient, Saved saved)
    {
        if (_failure is null)
        {
            try
            {
                using var noGradients = no_grad();
                var (ofMaps, ofWeight, ofBias) = GradientsOf(gradient, saved);
                return KeepAlive(ofMaps, ofWeight, ofBias);
            }
            catch (Exception e)
            {
                _failure = ExceptionDispatchInfo.Capture(e);
            }
        }
        return KeepAlive(zeros_like(saved.Centered), zeros_like(saved.Weight), zeros_like(saved.Weight));
    }

    // With x the normalised maps, g the gradient of the output, w the weight, s the deviation and M the number of values of a channel:
    // w / s (g - sum(g) / M - x sum(g x) / M), where the sums are over all processes (Ioffe and Szegedy 2015, section 3). The gradients of
    // weight and bias, sum(g x) and sum(g), are those of this process: they are added up with all others.
    private (Tensor Maps, Tensor Weight, Tensor Bias) GradientsOf(Tensor gradient, Saved saved)
    {
        using var scope = NewDisposeScope();
        var (centered, weight, offset, deviation, count, counts) = saved;
        var channels = weight.shape[0];
        var sum = gradient.sum(s_allButChannels).to_type(ScalarType.Float64);
        var product = gradient.mul(centered).sum(s_allButChannels).to_type(ScalarType.Float64);
        var ofWeight = product.Add(offset.mul(sum)).div(deviation);
        var all = SumOverProcesses(cat([sum, ofWeight]));
        var scale = weight.to_type(ScalarType.Float64).div(deviation);
        var perValue = scale.Div(-count);
        var slope = perValue.mul(all.narrow(0, channels, channels)).div(deviation);
        var constant = perValue.mul(all.narrow(0, 0, channels)).Add(slope.mul(offset));
        var ofMaps = Like(constant, centered).Addcmul(centered, Like(slope, centered), 1);
        if (counts is not null)
            ofMaps.mul_(tensor(Array.ConvertAll(counts, row => row ? 1f : 0), ScalarType.Float32, centered.device).view(-1, 1, 1, 1));
        ofMaps.Addcmul_(gradient, Like(scale, centered), 1);
        return (ofMaps.MoveToOuterDisposeScope(), ofWeight.to_type(weight.dtype).MoveToOuterDisposeScope(),
            sum.to_type(weight.dtype).MoveToOuterDisposeScope());
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

    // [C] -> [1, C, 1, 1]
    private static Tensor OfChannels(Tensor channels) => channels.view(1, -1, 1, 1);

    private static Tensor Like(Tensor channels, Tensor maps) => OfChannels(channels.to_type(maps.dtype));

    // What the backward pass needs: maps minus their own mean, weight, own mean minus that of all, deviation, and number of values.
    private sealed record Saved(Tensor Centered, Tensor Weight, Tensor Offset, Tensor Deviation, double Count, bool[]? Counts);

    /// <summary>Normalisation by the moments of all processes, with the gradients of maps, weight and bias.</summary>
    private sealed class Normalization : autograd.SingleTensorFunction<Normalization>
    {
        private const string Share = "share", Owner = "owner";

        public override string Name => nameof(BatchStatistics);

        public override Tensor forward(autograd.AutogradContext context, params object[] arguments)
        {
            var (weight, bias) = ((Tensor)arguments[1], (Tensor)arguments[2]);
            var moments = (BatchMoments)arguments[3];
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            var deviation = moments.Variance.Add((double)arguments[5]).sqrt();
            var centered = moments.Centered;
            var scale = weight.to_type(ScalarType.Float64).div(deviation);
            var shift = bias.to_type(ScalarType.Float64).Add(scale.mul(moments.Offset));
            // They are saved when this method has returned.
            context.save_for_backward([centered, weight, moments.Offset, deviation.MoveToOuterDisposeScope()]);
            context.save_data(Share, (moments.Count, moments.Counts));
            context.save_data(Owner, (BatchStatistics)arguments[4]);
            return Like(shift, centered).Addcmul(centered, Like(scale, centered), 1).MoveToOuterDisposeScope();
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
        {
            var owner = (BatchStatistics)context.get_data(Owner);
            var (count, counts) = ((double, bool[]?))context.get_data(Share);
            var saved = context.get_saved_variables();
            try
            {
                return [.. owner.Gradients(gradient, new(saved[0], saved[1], saved[2], saved[3], count, counts)), null!, null!, null!];
            }
            finally
            {
                gradient.Dispose();
                saved.ForEach(tensor => tensor.Dispose());
            }
        }
    }
}
