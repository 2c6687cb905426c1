using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>Geometric operations against torchvision's on PIL images, bilinear, with the same fill.</summary>
[TestClass]
public sealed class GeometryParityTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("augmentations.json");

    public static IEnumerable<object[]> Cases => Enumerable.Range(0, s_fixture.GetProperty("geometry").GetArrayLength())
        .Select(index => new object[] { index });

    /// <summary>
    /// Pillow truncates where we round, which makes half a step; the rest is what a border pixel's side of the edge decides. Where a
    /// picture is so squeezed that we take several places a pixel, Pillow takes one, and aliases.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void APictureThatIsMovedIsTorchvisions(int index)
    {
        var expected = s_fixture.GetProperty("geometry")[index];
        var (name, v) = (expected.Text("operation"), expected.GetProperty("values").Numbers());
        var size = (int)s_fixture.Number("size");
        var output = Drawn.Square(size, (ref plan) =>
        {
            switch (name)
            {
                case "Rotate":
                    Rotation.Rotate(ref plan, v[0]);
                    break;
                case "Affine":
                    plan.Apply(Projection.Affine(size / 2.0, size / 2.0, v[0], v[1], v[2], v[3], v[4], v[5]));
                    break;
                case "Shear":
                    PolicyChoice.Apply(ref plan, v[0] != 0 ? PolicyOperation.ShearX : PolicyOperation.ShearY,
                        (float)Math.Tan((v[0] + v[1]) * Math.PI / 180));
                    break;
                case "Perspective":
                    Assert.IsTrue(Perspective.Distort(ref plan, [(v[0], v[1]), (v[2], v[3]), (v[4], v[5]), (v[6], v[7])]));
                    break;
                case "VerticalFlip":
                    plan.Flipped = true;
                    break;
                default:
                    plan.Mirrored = true;
                    break;
            }
        });

        var places = s_fixture.GetProperty("at").Numbers().Select(p => (int)p).ToArray();
        var samples = places.SelectMany(
            y => places.SelectMany(x => Enumerable.Range(0, 3).Select(c => (double)output[(y * size + x) * 3 + c])));
        var differences = samples.Zip(expected.GetProperty("samples").Numbers(), (a, b) => Math.Abs(a - b)).ToArray();
        var what = $"{name} {string.Join(", ", v)}";
        var squeezed = name == "Perspective" || (name == "Affine" && v[5] == 25);
        Assert.IsLessThan(squeezed ? 2 : 0.6, differences.Average(), what);
        if (!squeezed)
            Assert.IsLessThanOrEqualTo(1, differences.Order().ElementAt(differences.Length * 99 / 100), what);
    }
}
