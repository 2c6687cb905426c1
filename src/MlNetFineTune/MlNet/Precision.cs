namespace MlNetFineTune;

/// <summary>The number format in which a network's convolutions and matrix products are computed.</summary>
public enum Precision
{
    /// <summary>32-bit floats. The default.</summary>
    Float32,

    /// <summary>
    /// bfloat16 with sums in 32-bit floats. Weights, the optimizer, the head, loss, statistics of BatchNorm and scores stay in 32-bit
    /// floats. On processors without instructions for it (AVX512_BF16, AMX) many times slower than <see cref="Float32"/>.
    /// </summary>
    BFloat16,

    /// <summary>
    /// <see cref="BFloat16"/> if a measurement of about 20 ms, made once in a process, finds it faster on this device, and right; otherwise
    /// <see cref="Float32"/>. The log says which, and why. Results of machines that choose differently differ.
    /// </summary>
    Auto,
}
