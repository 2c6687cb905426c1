using MlNetFineTune.Data;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class ProbePictureTests
{
    /// <summary>Scores of the picture are stored in model files: its bytes must never change.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(33)]
    [DataRow(224)]
    public void EachPixelIsThatOfTheFormula(int size)
    {
        var pixels = ProbePicture.Draw(size);

        Assert.HasCount(3 * size * size, pixels);
        for (var y = 0; y < size; y++)
        {
            for (var x = 0; x < size; x++)
            {
                for (var c = 0; c < 3; c++)
                {
                    var wave = Math.Sin((x + 1) * (0.05 + 0.03 * c)) + Math.Sin((y + 1) * (0.07 + 0.02 * c)) + Math.Sin((x + y) * 0.21);
                    Assert.AreEqual((byte)(127.5 + 42 * wave), pixels[(y * size + x) * 3 + c], $"x {x}, y {y}, channel {c}");
                }
            }
        }
    }
}
