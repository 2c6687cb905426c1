using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using SkiaSharp;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>
/// Real networks on real photos, from file to class: ImageNet's 310 is an ant, 309 a bee. The numbers are those of
/// tools/reference/classify_ants_bees.py. They are up to 0.032 from the ones noted beside the weights, which count one more ant in each
/// part: PyTorch does not reproduce those on these files.
/// </summary>
[TestClass]
[TestCategory(Categories.Weights)]
[TestCategory(Categories.Slow)]
public sealed class PretrainedClassifierTests
{
    [TestMethod]
    [DataRow("mobilenetv2_100", "val", "ants", 0.826)]
    [DataRow("mobilenetv2_100", "val", "bees", 0.807)]
    [DataRow("mobilenetv2_100", "train", "ants", 0.821)]
    [DataRow("mobilenetv2_100", "train", "bees", 0.860)]
    [DataRow("mobilenetv1_025", "val", "ants", 0.246)]
    [DataRow("mobilenetv1_025", "val", "bees", 0.566)]
    [DataRow("mobilenetv1_025", "train", "ants", 0.236)]
    [DataRow("mobilenetv1_025", "train", "bees", 0.595)]
    public void AsManyPhotosAreRecognisedAsInPyTorch(string network, string part, string kind, double expected)
    {
        var weights = SharedData.RequireOrSkip($"weights/{network}.safetensors");
        var backbone = Backbone.FromName(network).WithWeights(weights);
        using var classifier = ImageNetwork.CreateEmpty(backbone, outputs: 1000);
        using (var file = WeightFile.Open(weights))
            StrictLoader.Load(file, classifier.NamedTensors(), network,
                name => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal));
        classifier.PrepareForScoring();
        Encode fromFile = (encoder, path, pixels) => encoder.EncodeFile(path, Augmentation.None, default, pixels);
        Assert.AreEqual(
            expected, Accuracy(backbone.Preprocessing, part, kind, fromFile, pixels => classifier.ForwardRest(pixels, first: 0)), 0.03);
    }

    /// <summary>
    /// SqueezeNet's own classifier scores every place and averages after a ReLU, so it is applied here to the last stage's unpooled maps.
    /// The photos are decoded at full size: JPEG's scaled decoding alone moves this network by up to 0.04 (.711 and .686 of the bees).
    /// </summary>
    [TestMethod]
    [DataRow("val", "ants", 0.493)]
    [DataRow("val", "bees", 0.675)]
    [DataRow("train", "ants", 0.463)]
    [DataRow("train", "bees", 0.727)]
    public void SqueezeNetRecognisesAsManyPhotosAsInPyTorch(string part, string kind, double expected)
    {
        var weights = SharedData.RequireOrSkip("weights/squeezenet1_1.safetensors");
        var backbone = Backbone.SqueezeNet.WithWeights(weights);
        using var network = backbone.CreateNetwork(seed: 0);
        network.eval();
        using var weight = empty(1000, 512, 1, 1);
        using var bias = empty(1000);
        using (var file = WeightFile.Open(weights))
            StrictLoader.Load(file, [("classifier.1.weight", weight), ("classifier.1.bias", bias)], "its classifier",
                name => name.StartsWith("features.", StringComparison.Ordinal));

        Assert.AreEqual(
            expected, Accuracy(backbone.Preprocessing with { Interpolation = Interpolation.Bicubic }, part, kind, EncodeFully, pixels =>
        {
            using var noGradients = no_grad();
            var maps = network.Stages[^1].Maps.Forward(network.Forward(pixels, 0, network.Stages.Count - 1));
            return nn.functional.relu(nn.functional.conv2d(maps, weight, bias)).mean([2, 3]);
        }), 0.03);
    }

    private delegate string? Encode(ImageEncoder encoder, string path, Span<byte> pixels);

    private static string? EncodeFully(ImageEncoder encoder, string path, Span<byte> pixels)
    {
        using var codec = SKCodec.Create(path);
        using var photo = SKBitmap.Decode(codec, codec.Info.WithColorType(SKColorType.Rgba8888).WithAlphaType(SKAlphaType.Unpremul));
        return encoder.EncodePixels(new PixelSource(photo.GetPixelSpan(), photo.Width, photo.Height, blueFirst: false), Augmentation.None,
            default, pixels);
    }

    private static double Accuracy(ImagePreprocessing preprocessing, string part, string kind, Encode encode, Func<Tensor, Tensor> score)
    {
        var photos = Directory.GetFiles(SharedData.RequireOrSkip($"data/ants-bees/{part}/{kind}"))
            // one GIF is a placeholder
            .Where(path => !path.EndsWith(".gif", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal).ToArray();
        var encoder = new ImageEncoder(preprocessing);
        using var normalizer = new PixelNormalizer(preprocessing, CPU);
        var truth = kind == "ants" ? 310 : 309;
        var hits = 0;
        foreach (var paths in photos.Chunk(16))
        {
            var pixels = new byte[paths.Length * encoder.Length];
            for (var i = 0; i < paths.Length; i++)
                Assert.IsNull(encode(encoder, paths[i], pixels.AsSpan(i * encoder.Length, encoder.Length)), paths[i]);
            using var scope = NewDisposeScope();
            hits += score(normalizer.Normalize(pixels, paths.Length)).argmax(1).eq(truth).sum().ToInt32();
        }

        return hits / (double)photos.Length;
    }
}
