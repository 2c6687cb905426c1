using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>A damaged or foreign model file is rejected with a message that names the problem.</summary>
[TestClass]
public sealed class DamagedModelTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public void AFlippedBitInTheWeightsIsFoundByTheirHash()
    {
        var error = LoadFails<InvalidDataException>(Zip.With(SmallTraining.ModelZip, "weights.safetensors", bytes =>
        {
            bytes[^100] ^= 1;
            return bytes;
        }));

        StringAssert.Contains(error.Message, "SHA-256 of weights.safetensors");
        StringAssert.Contains(error.Message, "damaged");
    }

    [TestMethod]
    public void WeightsThatWereCutOffAreRefused()
    {
        foreach (var length in (int[])[0, 4, 100, 5000])
            LoadFails<InvalidDataException>(Zip.With(SmallTraining.ModelZip, "weights.safetensors", bytes => bytes[..length]));
        LoadFails<InvalidDataException>(Zip.With(SmallTraining.ModelZip, "weights.safetensors", bytes => bytes[..^1]));
        LoadFails<InvalidDataException>(Zip.With(SmallTraining.ModelZip, "weights.safetensors", bytes => [.. bytes, 0]));
    }

    [TestMethod]
    public void AMissingPartIsNamed()
    {
        StringAssert.Contains(LoadFails<InvalidDataException>(Zip.With(SmallTraining.ModelZip, "manifest.json", _ => null)).Message,
            "it has no manifest.json");
        StringAssert.Contains(LoadFails<InvalidDataException>(Zip.With(SmallTraining.ModelZip, "weights.safetensors", _ => null)).Message,
            "it has no weights.safetensors");
    }

    [TestMethod]
    public void ANewerFormatVersionAsksForANewerLibrary()
    {
        // The rest of the file cannot be interpreted.
        var error = LoadFails<NotSupportedException>(
            Zip.With(SmallTraining.ModelZip, "manifest.json", _ => Encoding.UTF8.GetBytes("""{ "FormatVersion": 3 }""")));

        StringAssert.Contains(error.Message, "format version 3; this library reads up to 2");
        StringAssert.Contains(error.Message, "Update the package MlNetFineTune");
    }

    [TestMethod]
    public void AManifestThatSaysNoVersionOrIsNoJsonIsRefused()
    {
        foreach (var text in (string[])[
            "", "{", "[]", "null", "{}", """{ "FormatVersion": "one" }""", """{ "FormatVersion": 0 }""", """{ "FormatVersion": 1 }"""])
            StringAssert.Contains(
                LoadFails<InvalidDataException>(
                    Zip.With(SmallTraining.ModelZip, "manifest.json", _ => Encoding.UTF8.GetBytes(text))).Message, "manifest.json", text);
    }

    [TestMethod]
    public void AManifestWithImpossibleValuesIsRefused()
    {
        LoadFails<InvalidDataException>(WithManifest(manifest => manifest["Encoder"]!["Preprocessing"]!["Size"] = 5));
        LoadFails<InvalidDataException>(WithManifest(manifest => manifest["Encoder"]!["Name"] = "alexnet"));
        LoadFails<InvalidDataException>(WithManifest(manifest => manifest["Encoder"] = null));
        LoadFails<InvalidDataException>(WithManifest(manifest => manifest["Input"] = JsonNode.Parse(
            """{ "Kind": "Numbers", "Column": "ImagePath", "Dimensions": [3, 32, 32], "KeyCount": 0 }""")));
        LoadFails<InvalidDataException>(WithManifest(manifest => manifest["Encoder"]!["Table"] = JsonNode.Parse(
            """{ "Features": 8, "LearnsMissingPictures": false }""")));
        LoadFails<InvalidDataException>(WithManifest(manifest => manifest["ProbeScores"] = new JsonArray(1f)));
        LoadFails<InvalidDataException>(WithManifest(manifest => manifest["Task"]!["Classes"] = null));
    }

    [TestMethod]
    public void OtherClassesInTheManifestThanInTheKeyAreNamed()
    {
        var error = LoadFails<InvalidDataException>(WithManifest(manifest => manifest["Task"]!["Classes"]![1] = "squares"));

        StringAssert.Contains(error.Message, "dots, squares, stripes");
        StringAssert.Contains(error.Message, "dots, rings, stripes");
    }

    [TestMethod]
    public void AnotherNetworkThanTheWeightsBelongToIsRefused()
    {
        var error = LoadFails<InvalidDataException>(WithManifest(manifest => manifest["Encoder"]!["Name"] = "resnet18"));

        StringAssert.Contains(error.Message, "do not fit resnet18");
    }

    [TestMethod]
    public void AMemberThatALaterVersionAddsIsIgnored()
    {
        using var model = (FineTuningTransformer)_ml.Model.Load(
            new MemoryStream(WithManifest(manifest => manifest["Colour"] = "blue")), out _);

        Assert.HasCount(3, model.Classes);
    }

    [TestMethod]
    public void AFileThatIsNoModelIsRefused()
    {
        LoadFails<Exception>(SmallTraining.ModelZip[..(SmallTraining.ModelZip.Length / 2)]);
        LoadFails<Exception>(Zip.With(SmallTraining.ModelZip, "Model.key", bytes => bytes[..(bytes.Length / 2)]));
        LoadFails<Exception>(Encoding.UTF8.GetBytes("This is no zip."));
        using var foreign = new MemoryStream();
        using (var archive = new System.IO.Compression.ZipArchive(foreign, System.IO.Compression.ZipArchiveMode.Create, leaveOpen: true))
            archive.CreateEntry("readme.txt").Open().Dispose();
        LoadFails<Exception>(foreign.ToArray());
    }

    [TestMethod]
    public void AProbeThatScoresOtherwiseIsWarnedOf()
    {
        var log = new LogLines(_ml);

        using var model = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(WithManifest(SwapProbe)), out _);

        Assert.IsTrue(log.Warnings.Any(line => line.Contains("probe picture") && line.Contains("0.001")), log.ToString());
        Assert.HasCount(3, SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, SmallPictures.Take(1)))));
    }

    [TestMethod]
    public void AProbeThatScoresOtherwiseIsAnErrorWhereTheModelAsksForIt()
    {
        var error = LoadFails<InvalidDataException>(WithManifest(manifest =>
        {
            SwapProbe(manifest);
            manifest["OnProbeMismatch"] = "Throw";
        }));

        StringAssert.Contains(error.Message, "probe picture");
    }

    [TestMethod]
    public void AnIntactModelLoadsWithoutAWarning()
    {
        var log = new LogLines(_ml);

        using var model = SmallTraining.LoadModel(_ml);

        Assert.IsEmpty(log.Warnings);
    }

    private static void SwapProbe(JsonNode manifest)
    {
        var scores = manifest["ProbeScores"]!.AsArray().Select(score => score!.GetValue<float>()).ToArray();
        manifest["ProbeScores"] = new JsonArray([.. scores.Select(score => (JsonNode)(score + 0.01f))]);
    }

    private static byte[] WithManifest(Action<JsonNode> change) => Zip.With(SmallTraining.ModelZip, "manifest.json", bytes =>
    {
        var manifest = JsonNode.Parse(bytes)!;
        change(manifest);
        return Encoding.UTF8.GetBytes(manifest.ToJsonString());
    });

    // ML.NET calls loaders by reflection and lets the wrapper through.
    private T LoadFails<T>(byte[] zip)
        where T : Exception
    {
        var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(zip), out _));
        var cause = error.GetBaseException();
        return cause as T ?? throw new AssertFailedException($"Expected {typeof(T)}: {error}");
    }
}
