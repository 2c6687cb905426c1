using System.IO.Compression;
using System.Text;
using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>Model files crafted to exhaust memory or to be read differently from how they were saved.</summary>
[TestClass]
public sealed class HostileModelTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    [DataRow("manifest.json", 17)]
    [DataRow("manifest.sha256", 1)]
    [DataRow("weights.safetensors", 40)]
    public void AnEntryThatUnpacksToMoreThanItsKindNeedsIsRefusedBeforeItIsUnpacked(string name, int megabytes)
    {
        // not by its whole name, with which the hash goes
        var zip = Zip.With(SmallTraining.ModelZip, name.Replace("manifest.j", "t.j"), bytes => [.. bytes, .. new byte[megabytes << 20]]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        StringAssert.Contains(LoadFails(zip), $"its {name} has ");
        Assert.IsLessThan(16L << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void AProgramThatUnpacksAHundredfoldIsRefusedBeforeItIsUnpacked()
    {
        var program = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchscript", "scripted.pt");
        var preprocessing = new ImagePreprocessing { Size = 32, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half };
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Backbone = Backbone.FromTorchScript(program, preprocessing), Epochs = 1 },
            SmallPictures.Take(2));
        StringAssert.Contains(LoadFails(Zip.With(SmallTraining.Save(_ml, model), "network.pt", bytes => [.. bytes, .. new byte[40 << 20]])),
            "its network.pt has ");
    }

    [TestMethod]
    public void AManifestWithoutItsHashIsRefusedWhereItsWriterWroteOne()
    {
        var without = Zip.With(SmallTraining.ModelZip, "manifest.sha256", _ => null);
        StringAssert.Contains(LoadFails(without), "it has no manifest.sha256, so that a change of its manifest.json would not be noticed");

        // Required even with an older header, because manifests of this version always have one.
        StringAssert.Contains(LoadFails(Zip.With(without, "Model.key", key => VersionWritten(key, 3, 1))), "it has no manifest.sha256");
    }

    [TestMethod]
    public void AFileOfTheFirstFormatNeedsTheHashOnceItsWriterWroteOne()
    {
        // The first files had neither a hash nor anything of what came after it.
        var first = File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "model-v1.zip"));
        using (var model = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(first), out _))
            Assert.HasCount(3, model.Classes);

        // Later manifests had more properties, and then a header with the version.
        var more = Zip.With(first, "t.json", bytes =>
        {
            var manifest = System.Text.Json.Nodes.JsonNode.Parse(bytes)!.AsObject();
            manifest["WeightPrecision"] = "Float32";
            return Encoding.UTF8.GetBytes(manifest.ToJsonString());
        });
        StringAssert.Contains(LoadFails(more), "it has no manifest.sha256");
        StringAssert.Contains(LoadFails(Zip.With(first, "Model.key", key => VersionWritten(key, 1, 2))), "it has no manifest.sha256");
    }

    /// <summary>Writes another version into ML.NET's header; the minimum reader version follows it.</summary>
    private static byte[] VersionWritten(byte[] key, byte from, byte to)
    {
        var at = key.AsSpan().IndexOf<byte>([from, 0, 1, 0, 1, 0, 1, 0]);
        Assert.IsGreaterThan(0, at);
        key[at] = to;
        return key;
    }

    [TestMethod]
    public void ADoubledNameIsRefused()
    {
        using var doubled = new MemoryStream();
        doubled.Write(SmallTraining.ModelZip);
        using (var archive = new ZipArchive(doubled, ZipArchiveMode.Update, leaveOpen: true))
        {
            using var entry = archive.CreateEntry(
                archive.Entries.Single(entry => entry.FullName.EndsWith("manifest.json", StringComparison.Ordinal)).FullName).Open();
            entry.Write("{}"u8);
        }
        StringAssert.Contains(LoadFails(doubled.ToArray()), "it has two entries ");

        var twice = Zip.With(SmallTraining.ModelZip, "manifest.json",
            bytes => [.. "{\"Seed\": 77,"u8, .. bytes.AsSpan(bytes.AsSpan().IndexOf((byte)'{') + 1)]);
        StringAssert.Contains(LoadFails(twice), "its manifest.json cannot be read: ");
    }

    [TestMethod]
    public void WhatTheManifestSaysIsShownInOneLine()
    {
        var text = LoadFails(Zip.With(SmallTraining.ModelZip, "manifest.json", bytes => Encoding.UTF8.GetBytes(
            Encoding.UTF8.GetString(bytes)
                .Replace("\"Name\": \"", "\"Name\": \"\\u001b[31m\\n" + new string('x', 1 << 20), StringComparison.Ordinal))));
        Assert.IsFalse(text.Any(char.IsControl), text);
        Assert.IsLessThan(2000, text.Length);
    }

    private string LoadFails(byte[] zip)
    {
        var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(zip), out _)).GetBaseException();
        return error is InvalidDataException
            ? error.Message
            : throw new AssertFailedException($"Expected an InvalidDataException: {error}");
    }
}
