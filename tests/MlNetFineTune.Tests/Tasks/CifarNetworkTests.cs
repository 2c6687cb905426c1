using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>The published CIFAR-10 networks, in PyTorch's old file format, on the test photos as JPEG files: what PyTorch says of them
/// (tools/reference/cifar_fixture.py).</summary>
[TestClass]
[TestCategory(Categories.Weights)]
public sealed class CifarNetworkTests
{
    [TestMethod]
    [DataRow(20, "resnet20-12fca82f.th")]
    [DataRow(56, "resnet56-4bfd9763.th")]
    public void AThousandPhotosAreOfTheClassesThatPyTorchSees(int depth, string weights)
    {
        var fixture = Fixture.Read("cifar.json");
        var expected = string.Concat(fixture.GetProperty($"resnet{depth}").EnumerateArray().Select(kind => kind.GetString()));
        var kinds = fixture.GetProperty("kinds").EnumerateArray().Select(kind => kind.GetString()!);
        var actual = Classify(depth, weights, [.. kinds.SelectMany(kind => Photos(kind).Take(100))]);
        // Another JPEG decoder and other convolution kernels: a photo whose two best classes are equal may fall to either.
        Assert.IsGreaterThanOrEqualTo(0.998, expected.Zip(actual, (e, a) => e - '0' == a ? 1 : 0).Sum() / (double)expected.Length);
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    [DataRow(20, "resnet20-12fca82f.th", 0.8103)]
    [DataRow(56, "resnet56-4bfd9763.th", 0.8320)]
    public void TheAccuracyOnAllTestPhotosIsThatOfPyTorch(int depth, string weights, double expected)
    {
        var kinds = Fixture.Read("cifar.json").GetProperty("kinds").EnumerateArray().Select(kind => kind.GetString()!).ToList();
        var hits = 0;
        for (var k = 0; k < kinds.Count; k++)
            hits += Classify(depth, weights, Photos(kinds[k])).Count(c => c == k);
        Assert.AreEqual(expected, hits / 10_000.0, 0.003);
    }

    private static string[] Photos(string kind) =>
        [.. Directory.GetFiles(SharedData.RequireOrSkip($"data/cifar10/test/{kind}")).Order(StringComparer.Ordinal)];

    private static List<long> Classify(int depth, string weights, string[] photos)
    {
        var path = SharedData.RequireOrSkip($"weights/{weights}");
        var backbone = Backbone.CifarResNet(depth).WithWeights(path);
        using var classifier = ImageNetwork.CreateEmpty(backbone, outputs: 10);
        using (var file = WeightFile.Open(path))
            StrictLoader.Load(file, classifier.NamedTensors(), backbone.Name,
                name => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal));
        classifier.PrepareForScoring();

        var encoder = new ImageEncoder(backbone.Preprocessing);
        using var normalizer = new PixelNormalizer(backbone.Preprocessing, CPU);
        var result = new List<long>();
        foreach (var batch in photos.Chunk(100))
        {
            var pixels = new byte[batch.Length * encoder.Length];
            for (var i = 0; i < batch.Length; i++)
                Assert.IsNull(
                    encoder.EncodeFile(batch[i], Augmentation.None, default, pixels.AsSpan(i * encoder.Length, encoder.Length)), batch[i]);
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            var logits = classifier.ForwardRest(normalizer.Normalize(pixels, batch.Length), first: 0);
            result.AddRange(logits.argmax(1).data<long>().ToArray());
        }
        return result;
    }
}
