using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class ImagePlanTests
{
    [TestMethod]
    public void TheCentreCropIsTorchvisionsPixelForPixel()
    {
        foreach (var box in Fixture.Read("pictures.json").GetProperty("boxes").EnumerateArray())
        {
            var (width, height, size) = ((int)box.Number("width"), (int)box.Number("height"), (int)box.Number("size"));
            // 0.95 is how recipes write 224 of 235.
            var fraction = box.Number("shorter") switch { 256 => 0.875f, 235 => 0.95f, _ => 1f };
            var plan = ImagePlan.CenterCrop(width, height, new ImagePreprocessing { Size = size, CropFraction = fraction });

            var resized = box.GetProperty("resized").Numbers();
            var (scaleX, scaleY) = (resized[0] / width, resized[1] / height);
            Fixture.AreClose(
                [box.Number("left"), box.Number("top"), size, size],
                [plan.X * scaleX, plan.Y * scaleY, plan.Width * scaleX, plan.Height * scaleY], 1e-9, $"box of {width} x {height}");
            Assert.IsFalse(plan.Mirrored);
        }
    }
}
