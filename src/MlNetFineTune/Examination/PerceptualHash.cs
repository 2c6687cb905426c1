namespace MlNetFineTune.Examination;

/// <summary>
/// A hash of 64 bits that changes little when a picture is compressed or resized (pHash: Zauner 2010, "Implementation and benchmarking of
/// perceptual image hash functions"): the signs of the 8 x 8 lowest frequencies of the picture at 32 x 32 pixels against their median. The
/// constant, which is the brightness, counts as 0. Hashes of the same picture differ in a few bits, of unrelated ones in about 32.
/// </summary>
internal static class PerceptualHash
{
    private const int Side = 32;
    private const int Frequencies = 8;

    // [8, 32]: cos(pi k (2 x + 1) / 64), the discrete cosine transform (DCT-II) without its factors, which do not change signs.
    private static readonly double[] s_cosines =
    [
        .. from frequency in Enumerable.Range(0, Frequencies)
           from x in Enumerable.Range(0, Side)
           select Math.Cos(Math.PI * frequency * (2 * x + 1) / (2 * Side)),
    ];

    /// <param name="grey">Grey levels, [side, side].</param>
    /// <param name="side">Width and height: a multiple of 32.</param>
    public static ulong Of(ReadOnlySpan<byte> grey, int side)
    {
        Span<double> small = stackalloc double[Side * Side];
        var scale = side / Side;
        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
                small[y / scale * Side + x / scale] += grey[y * side + x];
        }
        Span<double> across = stackalloc double[Side * Frequencies]; // [32, 8]
        for (var y = 0; y < Side; y++)
        {
            for (var k = 0; k < Frequencies; k++)
                across[y * Frequencies + k] = Dot(small.Slice(y * Side, Side), k);
        }
        Span<double> spectrum = stackalloc double[Frequencies * Frequencies], column = stackalloc double[Side];
        for (var k = 0; k < Frequencies; k++)
        {
            for (var y = 0; y < Side; y++)
                column[y] = across[y * Frequencies + k];
            for (var l = 0; l < Frequencies; l++)
                spectrum[l * Frequencies + k] = Dot(column, l);
        }
        spectrum[0] = 0;
        Span<double> sorted = stackalloc double[spectrum.Length - 1];
        spectrum[1..].CopyTo(sorted);
        sorted.Sort();
        var median = sorted[sorted.Length / 2];
        var hash = 0UL;
        for (var i = 0; i < spectrum.Length; i++)
            hash |= spectrum[i] > median ? 1UL << i : 0;
        return hash;
    }

    private static double Dot(ReadOnlySpan<double> values, int frequency)
    {
        var sum = 0d;
        for (var x = 0; x < Side; x++)
            sum += values[x] * s_cosines[frequency * Side + x];
        return sum;
    }
}
