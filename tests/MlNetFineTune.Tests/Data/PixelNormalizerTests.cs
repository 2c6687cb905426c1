using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class PixelNormalizerTests
{
    [TestMethod]
    public void EveryValueIsItsBytesDistanceFromTheMeanInStandardDeviations()
    {
        var preprocessing = new ImagePreprocessing { Size = 33 };
        var pixels = new byte[2 * 33 * 33 * 3 + 5]; // a buffer may be longer than its pictures
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(i * 31 % 251);

        using var normalizer = new PixelNormalizer(preprocessing, CPU);
        using var normalized = normalizer.Normalize(pixels, 2);

        float[] means = [0.485f, 0.456f, 0.406f], deviations = [0.229f, 0.224f, 0.225f];
        CollectionAssert.AreEqual(new long[] { 2, 3, 33, 33 }, normalized.shape);
        var values = normalized.Values();
        for (var n = 0; n < 2; n++)
        {
            for (var c = 0; c < 3; c++)
            {
                for (var p = 0; p < 33 * 33; p++)
                {
                    var expected = (pixels[(n * 33 * 33 + p) * 3 + c] - means[c] * 255) * (1 / (deviations[c] * 255));
                    Assert.AreEqual(expected, (float)values[(n * 3 + c) * 33 * 33 + p], $"picture {n}, channel {c}, pixel {p}");
                }
            }
        }
    }
}
