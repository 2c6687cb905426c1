namespace MlNetFineTune.Primitives;

/// <summary>Gamma and beta variates from counted numbers.</summary>
internal static class GammaSampling
{
    /// <summary>
    /// Logarithm of a gamma variate of scale 1: Marsaglia and Tsang 2000, "A simple method for generating gamma variables",
    /// with shape + 1, then times U^(1 / shape), which is right for every shape and needed below 1. As a logarithm, because
    /// small shapes give numbers below any float.
    /// </summary>
    public static double NextLogGamma(this ref CountedRandom random, double shape)
    {
        var d = shape + 1 - 1.0 / 3;
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = random.NextNormal();
            var v = 1 + c * x;
            if (v <= 0)
                continue;
            v = v * v * v;
            if (Math.Log(1 - random.NextDouble()) < 0.5 * x * x + d - d * v + d * Math.Log(v))
                return Math.Log(d * v) + Math.Log(1 - random.NextDouble()) / shape;
        }
    }

    /// <summary>X / (X + Y) of two gamma variates: 0 to 1, with mean a / (a + b).</summary>
    public static double NextBeta(this ref CountedRandom random, double a, double b)
    {
        var x = random.NextLogGamma(a);
        var y = random.NextLogGamma(b);
        return 1 / (1 + Math.Exp(y - x));
    }
}
