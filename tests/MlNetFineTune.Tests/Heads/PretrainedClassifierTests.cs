using MlNetFineTune.Heads;
using MlNetFineTune.Images;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Heads;

/// <summary>
/// Real networks on real photos, from file to class: ImageNet's 310 is an ant, 309 a bee. The numbers are those of
/// tools/reference/classify_ants_bees.py. They are up to 0.032 from the ones noted beside the weights, which count one more ant in each part:
/// PyTorch does not reproduce those on these files.
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
        var photos = Directory.GetFiles(SharedData.RequireOrSkip($"data/ants-bees/{part}/{kind}"))
            .Where(path => !path.EndsWith(".gif", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal).ToArray(); // one GIF is a placeholder

        var backbone = Backbone.FromName(network).WithWeights(weights);
        using var classifier = ImageClassifier.CreateEmpty(backbone, classes: 1000);
        using (var file = WeightFile.Open(weights))
            StrictLoader.Load(file, classifier.NamedTensors(), network, name => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal));
        classifier.PrepareForScoring();

        var encoder = new ImageEncoder(backbone.Preprocessing);
        using var normalizer = new PixelNormalizer(backbone.Preprocessing, CPU);
        var truth = kind == "ants" ? 310 : 309;
        var hits = 0;
        foreach (var paths in photos.Chunk(16))
        {
            var pixels = new byte[paths.Length * encoder.Length];
            for (var i = 0; i < paths.Length; i++)
                Assert.IsNull(encoder.EncodeFile(paths[i], Augmentation.None, default, pixels.AsSpan(i * encoder.Length, encoder.Length)), paths[i]);
            using var scope = NewDisposeScope();
            hits += classifier.Probabilities(normalizer.Normalize(pixels, paths.Length)).argmax(1).eq(truth).sum().ToInt32();
        }

        Assert.AreEqual(expected, hits / (double)photos.Length, 0.03);
    }
}
