using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// Batch normalisation over [N, C, H, W] (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167), PyTorch's momentum of 0.1.
/// </summary>
internal sealed class BatchNorm2d : nn.Module<Tensor, Tensor>
{
    private const double Momentum = 0.1;

#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Parameter weight;
    internal readonly Parameter bias;
    internal readonly Tensor running_mean;
    internal readonly Tensor running_var;
#pragma warning restore IDE1006

    public BatchNorm2d(int channels, double epsilon)
        : base(nameof(BatchNorm2d))
    {
        Epsilon = epsilon;
        weight = Parameters.Of(ones(channels, Parameters.Type));
        bias = Parameters.Of(zeros(channels, Parameters.Type));
        running_mean = zeros(channels, Parameters.Type).DetachFromDisposeScope();
        running_var = ones(channels, Parameters.Type).DetachFromDisposeScope();
        RegisterComponents();
    }

    public double Epsilon { get; }

    /// <summary>Statistics over the rows of several processes that train together; null for those of this process.</summary>
    public BatchStatistics? Statistics { get; set; }

    /// <summary>Leaves these of the channels.</summary>
    public void Keep(Tensor channels)
    {
        foreach (var each in (ReadOnlySpan<Tensor>)[weight, bias, running_mean, running_var])
            ChannelGroup.Keep(each, 0, channels);
    }

    public override Tensor forward(Tensor input) => training && Statistics is not null
        ? NormalizeOverProcesses(input, Statistics)
        : nn.functional.batch_norm(input, running_mean, running_var, weight, bias, training, Momentum, Epsilon);

    public GraphValue Write(NetworkGraph graph, GraphValue input) => graph.Add(
        "BatchNormalization", [input, graph.Constant("weight", weight), graph.Constant("bias", bias),
            graph.Constant("running_mean", running_mean), graph.Constant("running_var", running_var)],
        ("epsilon", (float)Epsilon));

    private Tensor NormalizeOverProcesses(Tensor input, BatchStatistics statistics)
    {
        using var scope = NewDisposeScope();
        // As libtorch, which sums and normalises maps of bfloat16 in single precision.
        var maps = input.dtype == ScalarType.BFloat16 ? input.to_type(ScalarType.Float32) : input;
        var moments = statistics.Of(maps);
        using (no_grad())
        {
            running_mean.Mul_(1 - Momentum).Add_(moments.Mean.to_type(running_mean.dtype), Momentum);
            // By the unbiased variance: NaN for a single value, as in libtorch.
            running_var.Mul_(1 - Momentum)
                .Add_(moments.Variance.Mul(moments.Count).Div(moments.Count - 1).to_type(running_var.dtype), Momentum);
        }
        var normalized = statistics.Normalize(maps, weight, bias, moments, Epsilon);
        return (maps.dtype == input.dtype ? normalized : normalized.to_type(input.dtype)).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            weight.Dispose();
            bias.Dispose();
            running_mean.Dispose();
            running_var.Dispose();
        }
        base.Dispose(disposing);
    }
}
