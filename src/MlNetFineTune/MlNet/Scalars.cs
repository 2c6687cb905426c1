using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Tensor operations with a number, by TorchSharp's names with a capital. TorchSharp 0.107's own create a temporary <see cref="Scalar"/>,
/// pass its native pointer to libtorch and keep no reference: a garbage collection at that moment frees the number before libtorch has read
/// it. Then the operation throws ("raised from toDouble") or computes with freed memory. The addition of two tensors has the same fault, by
/// an implicit factor of 1. Here every number lives until its operation has ended and is then disposed. No other file creates a
/// <see cref="Scalar"/> (held by ScalarsTests); missing operations are added here.
/// </summary>
internal static class Scalars
{
    private static readonly Scalar s_one = 1; // never freed

    /// <summary>A tensor of type <see cref="Parameters.Type"/>.</summary>
    public static Tensor Full(long size, double value)
    {
        using Scalar number = value;
        return full(size, number, Parameters.Type);
    }

    public static Tensor Add(this Tensor tensor, Tensor other) => tensor.add(other, s_one);

    public static Tensor Add_(this Tensor tensor, Tensor other) => tensor.add_(other, s_one);

    public static Tensor Add(this Tensor tensor, Tensor other, double factor)
    {
        using Scalar number = factor;
        return tensor.add(other, number);
    }

    public static Tensor Add_(this Tensor tensor, Tensor other, double factor)
    {
        using Scalar number = factor;
        return tensor.add_(other, number);
    }

    public static Tensor Add(this Tensor tensor, double value)
    {
        using Scalar number = value;
        return tensor.add(number, s_one);
    }

    public static Tensor Add_(this Tensor tensor, double value)
    {
        using Scalar number = value;
        return tensor.add_(number, s_one);
    }

    public static Tensor Mul(this Tensor tensor, double factor)
    {
        using Scalar number = factor;
        return tensor.mul(number);
    }

    public static Tensor Mul_(this Tensor tensor, double factor)
    {
        using Scalar number = factor;
        return tensor.mul_(number);
    }

    public static Tensor Div(this Tensor tensor, double divisor)
    {
        using Scalar number = divisor;
        return tensor.div(number);
    }

    public static Tensor Div_(this Tensor tensor, double divisor)
    {
        using Scalar number = divisor;
        return tensor.div_(number);
    }

    public static Tensor MaskedFill(this Tensor tensor, Tensor mask, double value)
    {
        using Scalar number = value;
        return tensor.masked_fill(mask, number);
    }

    public static Tensor Pow(this Tensor tensor, double exponent)
    {
        using Scalar number = exponent;
        return tensor.pow(number);
    }

    /// <summary>tensor + factor first second.</summary>
    public static Tensor Addcmul(this Tensor tensor, Tensor first, Tensor second, double factor)
    {
        using Scalar number = factor;
        return tensor.addcmul(first, second, number);
    }

    /// <inheritdoc cref="Addcmul"/>
    public static Tensor Addcmul_(this Tensor tensor, Tensor first, Tensor second, double factor)
    {
        using Scalar number = factor;
        return tensor.addcmul_(first, second, number);
    }

    /// <summary>tensor + factor numerator / denominator.</summary>
    public static Tensor Addcdiv_(this Tensor tensor, Tensor numerator, Tensor denominator, double factor)
    {
        using Scalar number = factor;
        return tensor.addcdiv_(numerator, denominator, number);
    }

    public static Tensor ClampMin(this Tensor tensor, double smallest)
    {
        using Scalar number = smallest;
        return tensor.clamp_min(number);
    }

    public static Tensor ClampMin_(this Tensor tensor, double smallest)
    {
        using Scalar number = smallest;
        return tensor.clamp_min_(number);
    }

    public static Tensor Clamp_(this Tensor tensor, double smallest, double largest)
    {
        using Scalar from = smallest;
        using Scalar to = largest;
        return tensor.clamp_(from, to);
    }

    public static Tensor Gt(this Tensor tensor, double value)
    {
        using Scalar number = value;
        return tensor.gt(number);
    }

    public static Tensor Ge(this Tensor tensor, double value)
    {
        using Scalar number = value;
        return tensor.ge(number);
    }
}
