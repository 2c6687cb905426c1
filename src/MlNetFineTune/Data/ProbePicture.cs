namespace MlNetFineTune.Data;

/// <summary>A generated picture, identical on every machine, whose scores are stored in the model file.</summary>
internal static class ProbePicture
{
    /// <returns>[size, size, 3].</returns>
    public static byte[] Draw(int size)
    {
        // Each sine depends on the column and the channel, on the row and the channel, or on the sum of row and column. They are computed
        // once each: a sine for every pixel would be a tenth of a second at the start of a program, whose code is not optimised yet.
        var ofColumn = Waves(3 * size, i => (i / 3 + 1) * (0.05 + 0.03 * (i % 3)));
        var ofRow = Waves(3 * size, i => (i / 3 + 1) * (0.07 + 0.02 * (i % 3)));
        var ofDiagonal = Waves(2 * size, i => i * 0.21);
        var pixels = new byte[size * size * 3];
        for (var y = 0; y < size; y++)
        {
            for (var x = 0; x < size; x++)
            {
                for (var c = 0; c < 3; c++)
                {
                    var wave = ofColumn[3 * x + c] + ofRow[3 * y + c] + ofDiagonal[x + y];
                    pixels[(y * size + x) * 3 + c] = (byte)(127.5 + 42 * wave);
                }
            }
        }
        return pixels;
    }

    private static double[] Waves(int count, Func<int, double> angle)
    {
        var waves = new double[count];
        for (var i = 0; i < count; i++)
            waves[i] = Math.Sin(angle(i));
        return waves;
    }
}
