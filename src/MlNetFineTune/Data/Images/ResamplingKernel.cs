namespace MlNetFineTune.Data;

/// <summary>
/// For each output position along one axis, the first input position and the weights: the filter widened by the scale factor and
/// normalised, as Pillow's <c>precompute_coeffs</c> (src/libImaging/Resample.c) defines it, which torchvision uses.
/// </summary>
internal readonly struct ResamplingKernel
{
    public ResamplingKernel(double start, double length, int inputSize, int outputSize, Interpolation interpolation)
    {
        var scale = length / outputSize;
        var widening = Math.Max(scale, 1);
        var support = Support(scale, interpolation);
        Taps = (int)Math.Ceiling(support) * 2 + 1;
        First = new int[outputSize];
        Count = new int[outputSize];
        Weights = new float[outputSize * Taps];
        Span<double> weights = Taps <= 64 ? stackalloc double[Taps] : new double[Taps];
        for (var o = 0; o < outputSize; o++)
        {
            var center = start + (o + 0.5) * scale;
            // At least one pixel is read, even if rounding moves the centre to the border.
            var first = Math.Clamp((int)(center - support + 0.5), 0, inputSize - 1);
            var end = Math.Clamp((int)(center + support + 0.5), first + 1, inputSize);
            double sum = 0;
            for (var i = first; i < end; i++)
                sum += weights[i - first] = Filter((i - center + 0.5) / widening, interpolation);
            for (var i = first; i < end; i++)
                Weights[o * Taps + i - first] = sum != 0 ? (float)(weights[i - first] / sum) : 1f / (end - first);
            First[o] = first;
            Count[o] = end - first;
        }
    }

    /// <summary>Support radius of an output pixel, in source pixels.</summary>
    /// <param name="scale">Source pixels per output pixel.</param>
    /// <param name="interpolation">The filter.</param>
    public static double Support(double scale, Interpolation interpolation) =>
        (interpolation == Interpolation.Bicubic ? 2 : 1) * Math.Max(scale, 1);

    public int Taps { get; }

    public int[] First { get; }

    public int[] Count { get; }

    public float[] Weights { get; }

    private static double Filter(double x, Interpolation interpolation)
    {
        x = Math.Abs(x);
        if (interpolation == Interpolation.Bilinear)
            return x < 1 ? 1 - x : 0;

        // Keys 1981 with a = -0.5.
        const double a = -0.5;
        return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1
            : x < 2 ? (((x - 5) * x + 8) * x - 4) * a
            : 0;
    }
}
