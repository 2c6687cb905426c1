using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// A 2-D convolution whose memory is left uninitialised: weights are loaded, or drawn by <see cref="WeightInitialization"/>.
/// TorchSharp's own module draws from the process-wide generator in its constructor, which would change other trainings.
/// </summary>
internal sealed class Conv2d : nn.Module<Tensor, Tensor>, IAdaptable
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Parameter weight; // [out, in / groups, k, k]
    internal readonly Parameter? bias; // [out]
#pragma warning restore IDE1006

    private readonly long[] _stride;
    private readonly long[] _padding;
    private readonly long _kernel;
    private readonly bool _padsAsTensorFlow;
    private readonly long? _groups; // null where each channel is a group
    private static readonly long[] s_none = [0, 0];
    private static readonly long[] s_dilation = [1, 1];

    /// <param name="inChannels">Input channels.</param>
    /// <param name="outChannels">Output channels.</param>
    /// <param name="kernel">Width and height of the kernel.</param>
    /// <param name="stride">Stride in pixels.</param>
    /// <param name="groups">Number of groups of channels, which are convolved independently.</param>
    /// <param name="padding">Padding where <paramref name="border"/> is null.</param>
    /// <param name="border">Number of zeros on every side; null for as many as keep the size at stride 1.</param>
    /// <param name="bias">Whether a bias is added; it is zero until weights are loaded.
    /// Not needed before a BatchNorm.</param>
    public Conv2d(
        int inChannels, int outChannels, int kernel, int stride = 1, int groups = 1,
        Backbone.ConvolutionPadding padding = Backbone.ConvolutionPadding.Symmetric, int? border = null, bool bias = false)
        : base(nameof(Conv2d))
    {
        weight = Parameters.Of(empty(outChannels, inChannels / groups, kernel, kernel, Parameters.Type));
        this.bias = bias ? Parameters.Of(zeros(outChannels, Parameters.Type)) : null;
        _kernel = kernel;
        _stride = [stride, stride];
        _padding = [border ?? (kernel - 1) / 2, border ?? (kernel - 1) / 2];
        _groups = groups > 1 && groups == inChannels && groups == outChannels ? null : groups;

        // At stride 1 and odd kernels SAME and symmetric padding are the same thing.
        _padsAsTensorFlow = padding == Backbone.ConvolutionPadding.TensorFlowSame && stride > 1 && kernel > 1 && border is null;
        RegisterComponents();
    }

    public long Groups => _groups ?? weight.size(0);

    Parameter IAdaptable.Weight => weight;

    public LoraLayer? Adapter { get; set; }

    /// <summary>Makes room for another number of channels that enter; the weights are uninitialised again.</summary>
    public void SetInChannels(int channels)
    {
        using var noGradients = no_grad();
        using var other = empty(weight.shape[0], channels, weight.shape[2], weight.shape[3], weight.dtype);
        weight.set_(other);
    }

    /// <summary>Leaves these of the channels that leave; of a depthwise convolution, of those that enter as well.</summary>
    public void KeepLeaving(Tensor channels)
    {
        ChannelGroup.Keep(weight, 0, channels);
        if (bias is not null)
            ChannelGroup.Keep(bias, 0, channels);
    }

    /// <summary>Leaves these of the channels that enter.</summary>
    public void KeepEntering(Tensor channels) => ChannelGroup.Keep(weight, 1, channels);

    public override Tensor forward(Tensor input)
    {
        var output = Apply(input, Adapter?.Merged ?? weight, bias);
        return Adapter is { Merged: null }
            ? Adapter.AddBranch(output, input, (x, a) => Apply(x, a, null), (x, b) => nn.functional.conv2d(x, b))
            : output;
    }

    /// <summary>This convolution's geometry with other weights: the BatchNorm-folded ones. The caller disposes it.</summary>
    public Tensor Apply(Tensor input, Tensor kernelWeights, Tensor? bias)
    {
        var output = _padsAsTensorFlow ? PadAndApply(input, kernelWeights, bias)
            : Convolve(input, kernelWeights, bias, _padding);
        MultiplyAddCounter.Add(output, kernelWeights);
        return output;
    }

    public GraphValue Write(NetworkGraph graph, GraphValue input)
    {
        using var full = Adapter?.Sum();
        return Write(graph, input, full ?? weight, bias);
    }

    /// <summary>The same with other weights.</summary>
    public GraphValue Write(NetworkGraph graph, GraphValue input, Tensor kernelWeights, Tensor? bias)
    {
        GraphValue[] inputs = [input, graph.Constant("weight", kernelWeights),
            .. bias is null ? [] : (ReadOnlySpan<GraphValue>)[graph.Constant("bias", bias)]];
        (string, object) padding = _padsAsTensorFlow ? ("auto_pad", "SAME_UPPER") : ("pads", (long[])[.. _padding, .. _padding]);
        return graph.Add("Conv", inputs, ("strides", _stride), ("group", Groups), padding);
    }

    private Tensor PadAndApply(Tensor input, Tensor kernelWeights, Tensor? bias)
    {
        var (top, bottom) = Same(input.shape[2], _stride[0]);
        var (left, right) = Same(input.shape[3], _stride[1]);
        using var padded = nn.functional.pad(input, [left, right, top, bottom]);
        return Convolve(padded, kernelWeights, bias, s_none);
    }

    // On a CPU, oneDNN 3 has no kernel of its own for the gradient of the input of a strided depthwise convolution in bfloat16: forward and
    // backward of [16, 96, 112, 112] took 187 ms instead of 29 in float32, and a training step of MobileNetV2 was no faster in bfloat16.
    private Tensor Convolve(Tensor input, Tensor kernelWeights, Tensor? bias, long[] padding)
    {
        var lacksKernel = Groups > 1 && _stride[0] > 1 && input.dtype == ScalarType.BFloat16 && input.device_type == DeviceType.CPU;
        if (!lacksKernel || !is_grad_enabled())
            return nn.functional.conv2d(input, kernelWeights, bias, _stride, padding, s_dilation, Groups);
        using var paused = Autocast.Pause(DeviceType.CPU);
        using var exact = input.to_type(ScalarType.Float32);
        using var output = nn.functional.conv2d(exact, kernelWeights, bias, _stride, padding, s_dilation, Groups);
        return output.to_type(ScalarType.BFloat16);
    }

    private (long Before, long After) Same(long size, long stride)
    {
        var total = Math.Max(((size + stride - 1) / stride - 1) * stride + _kernel - size, 0);
        return (total / 2, total - total / 2);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            weight.Dispose();
            bias?.Dispose();
        }
        base.Dispose(disposing);
    }
}
