using System.Runtime.InteropServices;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.AugMix"/>
internal sealed record AugMix : Augmentation
{
    internal const int Bins = 10;

    private static readonly Policy s_withoutColor = PolicyOf(all: false);
    private static readonly Policy s_all = PolicyOf(all: true);

    public AugMix(int severity = 3, int mixtureWidth = 3, int chainDepth = 0, float alpha = 1, bool allOperations = true)
    {
        Severity = Checked.Range(severity, 1, Bins);
        MixtureWidth = Checked.Range(mixtureWidth, 1, 16);
        ChainDepth = Checked.Range(chainDepth, 0, 16);
        Alpha = Checked.Range(alpha, 0.01f, 100);
        AllOperations = allOperations;
    }

    public int Severity { get; }

    public int MixtureWidth { get; }

    public int ChainDepth { get; }

    public float Alpha { get; }

    public bool AllOperations { get; }

    internal static Policy PolicyOf(bool all)
    {
        List<PolicyChoice> choices =
        [
            new(PolicyOperation.ShearX, 0, 0.3, Signed: true),
            new(PolicyOperation.ShearY, 0, 0.3, Signed: true),
            new(PolicyOperation.TranslateX, 0, 1 / 3.0, Signed: true),
            new(PolicyOperation.TranslateY, 0, 1 / 3.0, Signed: true),
            new(PolicyOperation.Rotate, 0, 30, Signed: true),
            new(PolicyOperation.Posterize, 4, 0),
            new(PolicyOperation.Solarize, 255, 0),
            new(PolicyOperation.AutoContrast),
            new(PolicyOperation.Equalize),
        ];
        if (all)
        {
            PolicyOperation[] colors =
                [PolicyOperation.Brightness, PolicyOperation.Color, PolicyOperation.Contrast, PolicyOperation.Sharpness];
            choices.AddRange(colors.Select(operation => new PolicyChoice(operation, 0, 0.9, Signed: true)));
        }
        return new([.. choices]);
    }

    // The chains have their own random stream, keyed by one number drawn from the picture's stream.
    internal override void Apply(ref ImagePlan plan, ref CountedRandom random) => plan.Add(Mix, random.NextDouble(), this);

    internal static CountedRandom ChainsOf(double key) => new((long)(key * (1L << 53)), RandomStream.AugMix, 0, 0);

    /// <summary>Draws the weight of the original, then those of the chains.</summary>
    internal void DrawWeights(ref CountedRandom random, Span<float> weights)
    {
        Span<double> original = stackalloc double[2];
        Span<double> chains = stackalloc double[MixtureWidth];
        Dirichlet(ref random, original);
        Dirichlet(ref random, chains);
        weights[0] = (float)original[0];
        for (var i = 0; i < MixtureWidth; i++)
            weights[i + 1] = (float)(original[1] * chains[i]);
    }

    internal void ApplyChain(ref ImagePlan plan, ref CountedRandom random)
    {
        var depth = ChainDepth > 0 ? ChainDepth : 1 + random.NextInt(3);
        for (var i = 0; i < depth; i++)
            (AllOperations ? s_all : s_withoutColor).Apply(ref plan, ref random, random.NextInt(Severity), Bins);
    }

    private static void Mix(ref PixelCanvas canvas, in PixelOperation operation)
    {
        var mix = (AugMix)operation.Owner!;
        var random = ChainsOf(operation.Value);
        var (pixels, size) = (canvas.Pixels.Length, canvas.Size);
        Span<float> weights = stackalloc float[mix.MixtureWidth + 1];
        mix.DrawWeights(ref random, weights);

        using var original = new ScratchBuffer<byte>(size.Width * size.Height * 4);
        using var chain = new ScratchBuffer<byte>(pixels);
        using var sum = new ScratchBuffer<float>(pixels);
        sum.Span.Clear();
        AddScaled(canvas.Pixels, weights[0], sum.Span);
        Widen(canvas.Pixels, MemoryMarshal.Cast<byte, uint>(original.Span));
        for (var i = 0; i < mix.MixtureWidth; i++)
        {
            var plan = ImagePlan.AtOwnSize(size, canvas.Preprocessing);
            mix.ApplyChain(ref plan, ref random);
            ImageEncoder.Draw(new PixelSource(original.Span, size.Width, size.Height, blueFirst: false), plan, chain.Span);
            AddScaled(chain.Span, weights[i + 1], sum.Span);
        }
        var output = canvas.Pixels;
        for (var i = 0; i < output.Length; i++)
            output[i] = ColorTables.Truncate(sum.Span[i]);
    }

    // Gamma variates divided by their sum; in logarithms relative to the largest, so that the sum cannot underflow to 0.
    private void Dirichlet(ref CountedRandom random, Span<double> shares)
    {
        var (largest, sum) = (double.NegativeInfinity, 0.0);
        foreach (ref var share in shares)
            largest = Math.Max(largest, share = random.NextLogGamma(Alpha));
        foreach (ref var share in shares)
            sum += share = Math.Exp(share - largest);
        foreach (ref var share in shares)
            share /= sum;
    }

    private static void AddScaled(ReadOnlySpan<byte> values, float weight, Span<float> sum)
    {
        for (var i = 0; i < values.Length; i++)
            sum[i] += values[i] * weight;
    }

    private static void Widen(ReadOnlySpan<byte> pixels, Span<uint> widened)
    {
        for (var (i, o) = (0, 0); o < widened.Length; i += 3, o++)
            widened[o] = pixels[i] | (uint)pixels[i + 1] << 8 | (uint)pixels[i + 2] << 16;
    }
}
