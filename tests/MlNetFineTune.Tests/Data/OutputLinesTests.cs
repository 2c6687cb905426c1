using MlNetFineTune.Data;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class OutputLinesTests
{
    [TestMethod]
    public void FourPixelsAtOnceAreThePixelsOneByOneAtEverySize()
    {
        var random = new Random(1);
        for (var size = 1; size < 40; size++)
        {
            var pixels = new byte[size * size * 4];
            random.NextBytes(pixels);
            foreach (var (blueFirst, mirrored, flipped)
                in (from b in (bool[])[false, true] from m in (bool[])[false, true] from f in (bool[])[false, true] select (b, m, f)))
            {
                var (output, expected) = (new byte[size * size * 3], new byte[size * size * 3]);
                var lines = new OutputLines(new PixelSource(pixels, size, size, blueFirst), mirrored, flipped, size);
                for (var v = 0; v < size; v++)
                    lines.Write(v, pixels.AsSpan(v * size * 4, size * 4), output);

                for (var y = 0; y < size; y++)
                {
                    for (var x = 0; x < size; x++)
                    {
                        for (var c = 0; c < 3; c++)
                            expected[((flipped ? size - 1 - y : y) * size + (mirrored ? size - 1 - x : x)) * 3 + c] =
                                pixels[(y * size + x) * 4 + (blueFirst ? 2 - c : c)];
                    }
                }
                CollectionAssert.AreEqual(expected, output, $"size {size}, blue first {blueFirst}, mirrored {mirrored}, flipped {flipped}");
            }
        }
    }
}
