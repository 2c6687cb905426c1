namespace MlNetFineTune.Data;

/// <summary>A generated picture, identical on every machine, whose scores are stored in the model file.</summary>
internal static class ProbePicture
{
    /// <returns>[size, size, 3].</returns>
    public static byte[] Draw(int size)
    {
        var pixels = new byte[size * size * 3];
        for (var y = 0; y < size; y++)
        {
            for (var x = 0; x < size; x++)
            {
                for (var c = 0; c < 3; c++)
                {
                    var wave = Math.Sin((x + 1) * (0.05 + 0.03 * c)) + Math.Sin((y + 1) * (0.07 + 0.02 * c)) + Math.Sin((x + y) * 0.21);
                    pixels[(y * size + x) * 3 + c] = (byte)(127.5 + 42 * wave);
                }
            }
        }
        return pixels;
    }
}
