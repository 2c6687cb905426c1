using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// A low-rank addition to a layer's weight (LoRA, Hu et al. 2021, section 4.1, https://arxiv.org/abs/2106.09685): <c>W + alpha / r * B
/// A</c>, in the shapes and with the initial values of PEFT. Of a convolution, A is one of the same kernel, stride and padding with r
/// outputs, and B a 1x1 convolution from them to all outputs; loralib's is another, whose product has rank r k. In training it is a branch
/// beside the layer; merged it is part of the layer's weight.
/// </summary>
internal sealed class LoraLayer : nn.Module
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in adapter files.
    internal readonly Parameter lora_A; // [r, in] or [r, in, k, k]
    internal readonly Parameter lora_B; // [out, r] or [out, r, 1, 1]
#pragma warning restore IDE1006

    private readonly IAdaptable _layer; // is asked for its weight every time: moving it to a device replaces the parameter
    private readonly double _scale;
    private readonly float _dropout;
    private Tensor? _merged;

    /// <param name="layer">Name of the layer, whose weight is [out, in] or [out, in, k, k].</param>
    /// <param name="rank">The rank r.</param>
    /// <param name="alpha">The product is scaled by alpha / r.</param>
    /// <param name="dropout">Share of the branch's inputs that are zero in a training step.</param>
    public LoraLayer(IAdaptable layer, int rank, double alpha, float dropout)
        : base(nameof(LoraLayer))
    {
        var (weight, shape) = (layer.Weight, layer.Weight.shape);
        lora_A = Parameters.Of(zeros([rank, .. shape[1..]], weight.dtype, weight.device));
        lora_B = Parameters.Of(zeros([shape[0], rank, .. shape[2..].Select(_ => 1L)], weight.dtype, weight.device));
        (_layer, _scale, _dropout) = (layer, alpha / rank, dropout);
        RegisterComponents();
    }

    /// <summary>Drops inputs of the branch; null where nothing is dropped. Set while a training step runs.</summary>
    public RowDropout? Dropout { get; set; }

    /// <summary>The layer's weight with the addition; null while the two are apart.</summary>
    public Tensor? Merged => _merged;

    /// <summary>Numbers that an addition to such a weight has.</summary>
    public static long Size(long[] weight, int rank) => rank * (weight[0] + weight[1..].Aggregate(1L, (product, size) => product * size));

    /// <summary>A as linear layers begin (uniform within 1 / sqrt(fan in)), B at zero: at first nothing is added.</summary>
    public void Initialize(string layer, long seed) =>
        WeightInitialization.FillUniform(
            lora_A, 1 / Math.Sqrt(lora_A.numel() / lora_A.shape[0]), seed, RandomStream.WeightsOf($"{layer}.lora_A.weight"));

    /// <summary>The layer's weight with the addition, in double precision. The caller disposes it.</summary>
    public Tensor Sum()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var product = lora_B.to_type(ScalarType.Float64).flatten(1).mm(lora_A.to_type(ScalarType.Float64).flatten(1)); // [out, in k k]
        var weight = _layer.Original;
        return weight.to_type(ScalarType.Float64).Add(product.Mul_(_scale).view(weight.shape)).MoveToOuterDisposeScope();
    }

    public void Merge()
    {
        if (_merged is not null)
            return;
        using var sum = Sum();
        _merged = sum.to_type(lora_A.dtype, copy: true).DetachFromDisposeScope();
        _layer.TakeSum(_merged);
    }

    public void Unmerge()
    {
        if (_merged is null)
            return;
        _layer.TakeSum(null);
        _merged.Dispose();
        _merged = null;
    }

    /// <summary>The branch <c>alpha / r * B(A(dropout(x)))</c>, added in place to what the layer gives for x.</summary>
    /// <param name="output">Output of the layer.</param>
    /// <param name="input">Input x of the layer.</param>
    /// <param name="down">Applies A.</param>
    /// <param name="up">Applies B.</param>
    public Tensor AddBranch(Tensor output, Tensor input, Func<Tensor, Tensor, Tensor> down, Func<Tensor, Tensor, Tensor> up)
    {
        using var dropped = Drop(input);
        using var low = down(dropped, lora_A);
        using var branch = up(low, lora_B);
        return output.Add_(branch, _scale);
    }

    private Tensor Drop(Tensor input) =>
        Dropout is null || _dropout == 0 ? input.alias() : Dropout.Apply(input, _dropout);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Unmerge();
            lora_A.Dispose();
            lora_B.Dispose();
        }
        base.Dispose(disposing);
    }
}
