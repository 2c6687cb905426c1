using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>What operations draw at random, 10,000 times, against the distributions that their documentation states.</summary>
[TestClass]
public sealed class DrawsTests
{
    private const int Draws = 10_000;

    [TestMethod]
    [DataRow(0f)]
    [DataRow(0.2f)]
    [DataRow(1f)]
    public void AProbabilityIsAShareOfThePictures(float probability)
    {
        Augmentation[] operations =
        [
            new Grayscale(probability), new Invert(probability), new AutoContrast(probability), new Equalize(probability),
            new Posterize(4, probability),
            new Solarize(128, probability), new Sharpness(2, probability), new Perspective(0.5f, probability),
            new VerticalFlip(probability),
        ];
        foreach (var operation in operations)
        {
            var changed = Drawn.Plans(operation).Count(plan => plan.Pixels is not null || plan.Warp is not null || plan.Flipped);
            EmpiricalDistribution.IsShare(changed, Draws, probability, operation.ToString());
        }
    }

    [TestMethod]
    public void AnglesAreUniform() =>
        EmpiricalDistribution.IsUniform(
            Drawn.Plans(new Rotation(30)).Select(plan => Math.Atan2(-plan.Warp!.Value.B, plan.Warp.Value.A) * 180 / Math.PI), -30,
            30, "degrees");

    [TestMethod]
    public void AnAffineMapsPartsAreUniform()
    {
        EmpiricalDistribution.IsUniform(
            Warps(new Affine(degrees: 20)).Select(w => Math.Atan2(w.B, w.A) * 180 / Math.PI), -20, 20, "degrees");
        EmpiricalDistribution.IsUniform(Warps(new Affine(minimumScale: 0.5f, maximumScale: 2)).Select(w => 1 / w.A), 0.5, 2, "scale");
        EmpiricalDistribution.IsUniform(
            Warps(new Affine(shearX: 20)).Select(w => Math.Atan(w.B) * 180 / Math.PI), -20, 20, "shear of upright lines");
        EmpiricalDistribution.IsUniform(
            Warps(new Affine(shearY: 20)).Select(w => Math.Atan(w.D) * 180 / Math.PI), -20, 20, "shear of level lines");
        // Rounded to whole pixels: 22.4 either way, of which the outermost, 22, is as wide as the others but for a tenth.
        var across = Warps(new Affine(translateX: 0.1f)).Select(w => w.C).ToArray();
        EmpiricalDistribution.IsEven(across.Where(c => Math.Abs(c) < 21.5), 43, "translation across");
        Assert.AreEqual(22, across.Max(Math.Abs));
        var down = Warps(new Affine(translateY: 0.1f)).Select(w => w.F).ToArray();
        EmpiricalDistribution.IsEven(down.Where(f => Math.Abs(f) < 21.5), 43, "translation down");
        Assert.IsTrue(Warps(new Affine()).All(w => w == Projection.Identity));

        static IEnumerable<Projection> Warps(Affine affine) => Drawn.Plans(affine).Select(plan => plan.Warp!.Value with { });
    }

    [TestMethod]
    public void APerspectivesCornersAreEvenlySpread()
    {
        // 224 pixels: corners move by 0 to int(0.25 x 112) = 28.
        var inverses = Drawn.Plans(new Perspective(0.25f, 1)).Select(plan => plan.Warp!.Value.Inverse()).ToArray();
        for (var corner = 0; corner < 4; corner++)
        {
            var (x, y) = (corner is 1 or 2 ? 223 : 0, corner >= 2 ? 223 : 0);
            var moved = inverses.Select(inverse => inverse.Map(x, y)).ToArray();
            EmpiricalDistribution.IsEven(moved.Select(p => (int)Math.Round(Math.Abs(p.X - x))), 29, $"corner {corner} across");
            EmpiricalDistribution.IsEven(moved.Select(p => (int)Math.Round(Math.Abs(p.Y - y))), 29, $"corner {corner} down");
        }
    }

    [TestMethod]
    public void AStrongPerspectiveIsAlwaysAPicture()
    {
        foreach (var plan in Drawn.Plans(new Perspective(1, 1)))
        {
            var map = plan.Warp!.Value;
            Assert.IsTrue(double.IsFinite(map.A + map.B + map.C + map.D + map.E + map.F + map.G + map.H + map.I));
        }
    }

    [TestMethod]
    public void EveryPlaceOfACropIsEquallyLikely()
    {
        // 224 of 256 pixels, and 8 of padding around: 0 to 48 from the padding's edge.
        var crops = Drawn.Plans(new RandomCrop(padding: 8));
        EmpiricalDistribution.IsEven(crops.Select(plan => Math.Round(plan.X * 256 / 224, 6)), 49, "left");
        EmpiricalDistribution.IsEven(crops.Select(plan => Math.Round(plan.Y * 256 / 224, 6)), 49, "top");
        Assert.IsTrue(
            crops.All(plan => Math.Abs(plan.Width - 224 * 224 / 256.0) < 1e-9
                && (plan.Warp is null) == (plan.X >= 0 && plan.Y >= 0 && plan.X + plan.Width <= 224 + 1e-9
                && plan.Y + plan.Height <= 224 + 1e-9)));
    }

    [TestMethod]
    public void JitterIsUniformAndInEveryOrder()
    {
        var plans = Drawn.Plans(new ColorJitter(0.4f, 0.3f, 1.5f, 0.1f)).Select(plan => plan.Pixels!.Operations.ToArray()).ToArray();
        EmpiricalDistribution.IsUniform(plans.Select(operations => ValueOf(operations, ColorTables.Brightness)), 0.6, 1.4, "brightness");
        EmpiricalDistribution.IsUniform(plans.Select(operations => ValueOf(operations, ColorTables.Contrast)), 0.7, 1.3, "contrast");
        EmpiricalDistribution.IsUniform(plans.Select(operations => ValueOf(operations, ColorFilters.Saturation)), 0, 2.5, "saturation");
        EmpiricalDistribution.IsUniform(plans.Select(operations => ValueOf(operations, ColorFilters.Hue)), -0.1, 0.1, "hue");
        EmpiricalDistribution.IsEven(
            plans.Select(operations => string.Join(", ", operations.Select(operation => operation.Filter.Method.Name))), 24, "orders");
        Assert.HasCount(1, Drawn.Plans(new ColorJitter(contrast: 0.1f), 1)[0].Pixels!.Operations);
        Assert.IsNull(Drawn.Plans(new ColorJitter(), 1)[0].Pixels);

        static double ValueOf(PixelOperation[] operations, PixelFilter filter) =>
            operations.Single(operation => operation.Filter == filter).Value;
    }

    [TestMethod]
    public void BlursWidthIsUniform() =>
        EmpiricalDistribution.IsUniform(
            Drawn.Plans(new GaussianBlur(5, 0.5f, 3)).Select(plan => plan.Pixels!.Operations[0].Value), 0.5, 3, "sigma");
}
