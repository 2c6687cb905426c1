using System.Globalization;
using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.MlNet;

/// <summary>
/// Microsoft.ML.TorchSharp 0.23.1 asks for TorchSharp 0.102.7 or later, and so takes this library's 0.107. This library works beside it,
/// whichever uses libtorch first; its trainers do not work on 0.107. README says both: a version that trains fails these tests.
/// </summary>
[TestClass]
public sealed class BesideTorchSharpTests
{
    private static readonly string s_program = Path.Combine(
        Repository.Root, "tests", "MlNetFineTune.BesideTorchSharp", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name,
        "net10.0", "MlNetFineTune.BesideTorchSharp.dll");

    [TestMethod]
    [DataRow("ours")]
    [DataRow("theirs")]
    public void OurScoresAreTheSameBesideTheirTrainersWhichDoNotTrain(string first)
    {
        using var folder = new Folder();
        var (zip, picture) = (Path.Combine(StoredModels.Folder, "model-v1.zip"), Path.Combine(StoredModels.Folder, "model-v1.png"));

        var lines = DotNet.Run(s_program, first, zip, folder.Path, picture)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split(' ', 2)).ToDictionary(line => line[0], line => line[1]);

        var ml = new MLContext();
        using var alone = (FineTuningTransformer)ml.Model.Load(zip, out _);
        var expected = SmallTraining.Scores(alone.Transform(SmallPictures.View(ml, [new Photo { ImagePath = picture }]))).Single();
        Assert.AreEqual(
            string.Join(' ', expected.Select(score => score.ToString("R", CultureInfo.InvariantCulture))), lines["after"],
            "bit for bit as without that package");
        if (first == "ours")
            Assert.AreEqual(lines["before"], lines["after"]);
        foreach (var trainer in (string[])["TextClassification", "SentenceSimilarity", "NamedEntityRecognition"])
            Assert.AreEqual("InvalidOperationException: Tensor invalid -- empty handle.", lines[trainer], trainer);
        Assert.StartsWith("MissingMethodException: ", lines["ObjectDetection"]);
    }
}
