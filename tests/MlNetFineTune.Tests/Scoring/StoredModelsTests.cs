using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>Files of format 2, kept with the scores that their models gave: what every later version must load.</summary>
[TestClass]
public sealed class StoredModelsTests
{
    // A folder: the files are written there with their scores. Fixtures/README.md says when.
    private const string Folder = "MLNETFINETUNE_STORED_MODELS";

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow(StoredModels.Multiclass)]
    [DataRow(StoredModels.ModuleRegression)]
    [DataRow(StoredModels.Several)]
    [DataRow(StoredModels.TableAndPhoto)]
    public void AFileOfFormat2StillScoresAsItDid(string name)
    {
        var file = Path.Combine(StoredModels.Folder, $"model-v2-{name}");
        var expected = JsonSerializer.Deserialize<float[]>(File.ReadAllText(file + ".scores.json"))!;
        var log = new LogLines(_ml);

        using var model = (FineTuningTransformer)_ml.Model.Load(file + ".zip", out _);

        SmallTraining.AssertClose([expected], [StoredModels.Scores(_ml, model, name)], 1e-4f);
        Assert.IsEmpty(log.Warnings, "the probe sample scores as it did");
    }

    [TestMethod]
    [DataRow(StoredModels.Multiclass)]
    [DataRow(StoredModels.ModuleRegression)]
    [DataRow(StoredModels.Several)]
    [DataRow(StoredModels.TableAndPhoto)]
    public void ANewFileOfTheSameModelSaysAllThatTheStoredOneSays(string name)
    {
        using var model = StoredModels.Train(_ml, name);
        var zip = SmallTraining.Save(_ml, model);
        var scores = StoredModels.Scores(_ml, model, name);
        if (Environment.GetEnvironmentVariable(Folder) is { } folder)
        {
            File.WriteAllBytes(Path.Combine(folder, $"model-v2-{name}.zip"), zip);
            File.WriteAllText(Path.Combine(folder, $"model-v2-{name}.scores.json"), JsonSerializer.Serialize(scores));
        }
        var stored = File.ReadAllBytes(Path.Combine(StoredModels.Folder, $"model-v2-{name}.zip"));

        CollectionAssert.AreEquivalent(Zip.Read(stored).Keys, Zip.Read(zip).Keys);
        var lost = Members(stored).Except(Members(zip)).ToList();
        Assert.IsEmpty(lost, $"format 2 no longer says {string.Join(", ", lost)}: that is another format version");
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(zip), out _);
        SmallTraining.AssertSameBits([scores], [StoredModels.Scores(_ml, loaded, name)]);
    }

    // Paths of the members of the manifest. Options are there for people, and nothing reads them.
    private static IEnumerable<string> Members(byte[] zip)
    {
        var manifest = JsonNode.Parse(Zip.Entry(zip, "manifest.json"))!.AsObject();
        manifest.Remove("Options");
        return Paths(manifest, "").Distinct();
    }

    private static IEnumerable<string> Paths(JsonNode? node, string path) => node switch
    {
        JsonObject members => members.SelectMany(member => Paths(member.Value, $"{path}.{member.Key}").Prepend($"{path}.{member.Key}")),
        JsonArray items => items.SelectMany(item => Paths(item, path + "[]")),
        _ => [],
    };
}
