using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>
/// The fused draw against its own definition, written down naively: a place of the output goes back through the operations, last first, to
/// the photo; where there is photo, also beyond a crop's edge, that is what one sees.
/// </summary>
[TestClass]
public sealed class WarpTwinTests
{
    private const int Size = 32, Width = 90, Height = 61;

    private static readonly (byte Red, byte Green, byte Blue) s_fill = new ImagePreprocessing().Fill;

    [TestMethod]
    [DataRow(false, false)]
    [DataRow(true, false)]
    [DataRow(false, true)]
    public void ATurnedCropShowsThePhotoBeyondItsEdge(bool mirroredBefore, bool mirroredAfter)
    {
        const double x = 15, y = 11, width = 60, height = 29, degrees = 25;
        var output = Draw(Whole(), (ref plan) =>
        {
            (plan.X, plan.Y, plan.Width, plan.Height) = (x, y, width, height);
            plan.Stretch();
            plan.Mirrored = mirroredBefore;
            Rotation.Rotate(ref plan, degrees);
            plan.Mirrored ^= mirroredAfter;
        });
        AssertTwin(output, (u, v) =>
        {
            if (mirroredAfter)
                u = Size - u;
            // Counter-clockwise by 25 degrees: what is seen here was 25 degrees further clockwise.
            var (sin, cos) = Math.SinCos(degrees * Math.PI / 180);
            var (dx, dy) = (u - Size / 2, v - Size / 2);
            (u, v) = (Size / 2 + cos * dx - sin * dy, Size / 2 + sin * dx + cos * dy);
            if (mirroredBefore)
                u = Size - u;
            return (x + u * width / Size, y + v * height / Size);
        }, gridAcross: 2, gridDown: 1);
    }

    [TestMethod]
    public void ATurnBeforeTheCropTurnsTheWholePhotoAboutItsOwnCentre()
    {
        var output = Draw(Whole(), (ref plan) =>
        {
            Rotation.Rotate(ref plan, -90);
            (plan.X, plan.Y, plan.Width, plan.Height) = (20, 10, Size, Size);
            plan.Stretch();
        });
        AssertTwin(output, (u, v) =>
        {
            // Clockwise by a right angle: right was up, down was right.
            var (dx, dy) = (u + 20 - Width / 2.0, v + 10 - Height / 2.0);
            return (Width / 2.0 + dy, Height / 2.0 - dx);
        }, 1, 1);
    }

    [TestMethod]
    public void PaddingIsFilledAndTheRestIsTheResizedPicture()
    {
        // The shorter side is the output's own, so that nothing is resized: every pixel is one of the photo's or the fill.
        var encoder = new ImageEncoder(new ImagePreprocessing { Size = Size, CropFraction = 1 });
        var pixels = FormulaPicture.Pixels(Size, Size);
        for (var row = 0; row < 20; row++)
        {
            var output = new byte[encoder.Length];
            encoder.EncodePixels(new PixelSource(pixels, Size, Size, false), new RandomCrop(padding: 4),
                new CountedRandom(3, RandomStream.Augmentation, 1, row), output);
            var random = new CountedRandom(3, RandomStream.Augmentation, 1, row);
            var (left, top) = (random.NextInt(9) - 4, random.NextInt(9) - 4);
            for (var v = 0; v < Size; v++)
            {
                for (var u = 0; u < Size; u++)
                {
                    var (x, y) = (u + left, v + top);
                    var inside = x is >= 0 and < Size && y is >= 0 and < Size;
                    var expected = inside ? (pixels[(y * Size + x) * 4], pixels[(y * Size + x) * 4 + 1],
                        pixels[(y * Size + x) * 4 + 2]) : s_fill;
                    Assert.AreEqual(expected, (output[(v * Size + u) * 3], output[(v * Size + u) * 3 + 1], output[(v * Size + u) * 3 + 2]),
                        $"row {row}, ({u}, {v})");
                }
            }
        }
    }

    [TestMethod]
    public void WithoutPaddingACropIsAPartOfTheResizedPictureAndIsResampledAsEver()
    {
        var preprocessing = new ImagePreprocessing { Size = Size, CropFraction = 0.5f };
        foreach (var plan in Enumerable.Range(0, 200).Select(row =>
        {
            var plan = ImagePlan.Whole(Width, Height, preprocessing);
            var random = new CountedRandom(3, RandomStream.Augmentation, 1, row);
            new RandomCrop().Apply(ref plan, ref random);
            return plan;
        }))
        {
            Assert.IsNull(plan.Warp);
            Assert.IsTrue(plan.X >= 0 && plan.Y >= 0 && plan.X + plan.Width <= Width + 1e-9 && plan.Y + plan.Height <= Height + 1e-9);
            Assert.AreEqual(Height * 0.5, plan.Height, 1e-9);
        }
    }

    [TestMethod]
    public void APerspectiveIsTheMapThatTakesItsCornersToThePictures()
    {
        (double X, double Y)[] corners = [(3, 5), (88, 0), (70, 60), (12, 50)];
        (double X, double Y)[] original = [(0, 0), (Width - 1, 0), (Width - 1, Height - 1), (0, Height - 1)];
        var map = Projection.FromCorners(corners, original)!.Value;
        for (var i = 0; i < 4; i++)
        {
            var (x, y) = map.Map(corners[i].X, corners[i].Y);
            Assert.AreEqual(original[i].X, x, 1e-9);
            Assert.AreEqual(original[i].Y, y, 1e-9);
            var (bx, by) = map.Inverse().Map(original[i].X, original[i].Y);
            Assert.AreEqual(corners[i].X, bx, 1e-9);
            Assert.AreEqual(corners[i].Y, by, 1e-9);
        }
        Assert.IsNull(Projection.FromCorners([(0, 0), (10, 0), (3, 3), (0, 10)], original), "not convex");
        Assert.IsNull(Projection.FromCorners([(0, 0), (10, 0), (5, 0), (0, 10)], original), "on a line");
    }

    [TestMethod]
    public void BeyondTheHorizonThereIsTheFill()
    {
        // Towards the right the ground rises to its horizon at u = 20; beyond, no ray meets the picture.
        var output = new byte[Size * Size * 3];
        Warper.Warp(Whole(), new Projection(1, 0, 0, 0, 1, 0, -0.05, 0, 1), Size, s_fill, output);
        for (var u = 20; u < Size; u++)
            Assert.AreEqual(s_fill, (output[u * 3], output[u * 3 + 1], output[u * 3 + 2]));
        Assert.AreNotEqual(s_fill, (output[0], output[1], output[2]));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(4)]
    [DataRow(5)]
    [DataRow(6)]
    [DataRow(7)]
    [DataRow(8)]
    public void HoweverAPhotoIsStoredTheSameIsSeen(int orientation)
    {
        var upright = FormulaPicture.Pixels(Width, Height);
        var (storedWidth, storedHeight) = orientation >= 5 ? (Height, Width) : (Width, Height);
        var stored = new byte[upright.Length];
        for (var y = 0; y < storedHeight; y++)
        {
            for (var x = 0; x < storedWidth; x++)
            {
                var (ux, uy) = orientation switch
                {
                    1 => (x, y),
                    2 => (Width - 1 - x, y),
                    3 => (Width - 1 - x, Height - 1 - y),
                    4 => (x, Height - 1 - y),
                    5 => (y, x),
                    6 => (Width - 1 - y, x),
                    7 => (Width - 1 - y, Height - 1 - x),
                    _ => (y, Height - 1 - x),
                };
                // Blue first.
                for (var c = 0; c < 3; c++)
                    stored[(y * storedWidth + x) * 4 + c] = upright[(uy * Width + ux) * 4 + 2 - c];
            }
        }
        var expected = Draw(Whole(), Change);
        var actual = Draw(new PixelSource(stored, storedWidth, storedHeight, blueFirst: true, orientation), Change);
        Assert.IsLessThanOrEqualTo(1, expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max()); // the last bits of a coordinate

        static void Change(ref ImagePlan plan)
        {
            (plan.X, plan.Y, plan.Width, plan.Height, plan.Mirrored) = (5, 7, 70, 50, true);
            plan.Stretch();
            Rotation.Rotate(ref plan, 33);
        }
    }

    [TestMethod]
    public void ASmallerDecodeShowsTheSameAndIsLargeEnough()
    {
        var plan = ImagePlan.Whole(800, 600, new ImagePreprocessing { Size = Size });
        plan.Stretch();
        Rotation.Rotate(ref plan, 45);
        // 800 to 32 pixels across, 600 to 32 down, turned: read most densely along the shorter.
        Assert.AreEqual(32 / 600.0, plan.Magnification(Size), 1e-9);
        var before = plan.ToSource(Size).Map(7, 25);
        plan.ScaleSource(0.25, 0.5);
        var after = plan.ToSource(Size).Map(7, 25);
        Assert.AreEqual((before.X * 0.25, before.Y * 0.5), (after.X, after.Y));

        var zoomed = ImagePlan.Whole(64, 64, new ImagePreprocessing { Size = Size });
        zoomed.Stretch();
        zoomed.Apply(Projection.Affine(16, 16, 0, 0, 0, 2, 0, 0));
        Assert.AreEqual(1, zoomed.Magnification(Size), 1e-9, "enlarged twice, all of the photo's pixels are needed");
    }

    private static PixelSource Whole() => new(FormulaPicture.Pixels(Width, Height), Width, Height, blueFirst: false);

    private static byte[] Draw(PixelSource source, PlanChange change)
    {
        var upright = source.IsTransposed ? (source.Height, source.Width) : (source.Width, source.Height);
        var plan = ImagePlan.Whole(upright.Item1, upright.Item2, new ImagePreprocessing { Size = Size });
        change(ref plan);
        var output = new byte[Size * Size * 3];
        ImageEncoder.Draw(source, plan, output);
        return output;
    }

    private static void AssertTwin(byte[] output, Func<double, double, (double X, double Y)> toPhoto, int gridAcross, int gridDown)
    {
        var pixels = FormulaPicture.Pixels(Width, Height);
        for (var v = 0; v < Size; v++)
        {
            for (var u = 0; u < Size; u++)
            {
                for (var c = 0; c < 3; c++)
                {
                    var sum = 0.0;
                    for (var j = 0; j < gridDown; j++)
                    {
                        for (var i = 0; i < gridAcross; i++)
                        {
                            var (x, y) = toPhoto(u + (i + 0.5) / gridAcross, v + (j + 0.5) / gridDown);
                            sum += Interpolated(x, y, c);
                        }
                    }
                    Assert.AreEqual(sum / (gridAcross * gridDown), output[(v * Size + u) * 3 + c], 0.51, $"({u}, {v}), channel {c}");
                }
            }
        }

        double Interpolated(double x, double y, int c)
        {
            if (x < 0 || y < 0 || x >= Width || y >= Height)
                return c switch { 0 => s_fill.Red, 1 => s_fill.Green, _ => s_fill.Blue };
            var sum = 0.0;
            for (var j = 0; j < Height; j++)
            {
                for (var i = 0; i < Width; i++)
                {
                    // Up to half a pixel outside, the colour of the edge is extended.
                    var (cx, cy) = (Math.Clamp(x, 0.5, Width - 0.5), Math.Clamp(y, 0.5, Height - 0.5));
                    sum += Math.Max(0, 1 - Math.Abs(cx - i - 0.5)) * Math.Max(0, 1 - Math.Abs(cy - j - 0.5))
                        * pixels[(j * Width + i) * 4 + c];
                }
            }
            return sum;
        }
    }
}
