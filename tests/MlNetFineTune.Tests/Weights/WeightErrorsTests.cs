using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.WeightFiles;

/// <summary>
/// Files of weights that cannot be used: each is an <see cref="InvalidDataException"/> of the file, before any training, and says what to
/// do.
/// </summary>
[TestClass]
public sealed class WeightErrorsTests
{
    private static readonly Dictionary<string, string> s_nothing = [];

    [TestMethod]
    [DataRow(float.NaN, "w.safetensors")]
    [DataRow(float.PositiveInfinity, "w.pth")]
    [DataRow(float.NegativeInfinity, "w.safetensors")]
    public void NumbersThatAreNoneAreTheFilesFault(float number, string name)
    {
        using var network = TransformersNamesTests.Filled(Backbone.Micro);
        using var folder = new Folder();
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var tensors = network.NamedTensors();
        Spoil("layer1.0.conv1.weight", 0);
        Spoil("layer1.0.conv1.weight", 7);
        Spoil("layer3.0.bn2.running_var", 3);
        var path = folder.File(name);
        WeightFileWriter.Write(path, tensors, s_nothing);
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => Backbone.Micro.WithWeights(path).CreateNetwork(seed: 0)).Message;
        StringAssert.Contains(failure, $"'{path}' hold numbers that are NaN or infinite, in 2 of {tensors.Count} tensors: ");
        StringAssert.Contains(failure, "layer1.0.conv1.weight [32, 16, 3, 3] (2 of 4608)");
        StringAssert.Contains(failure, "layer3.0.bn2.running_var [128] (1 of 128)");

        void Spoil(string tensor, int at)
        {
            using var flat = tensors.Single(one => one.Name == tensor).Tensor.view(-1);
            using var place = flat.narrow(0, at, 1);
            place.fill_(number);
        }
    }

    // What a network does not read may be anything.
    [TestMethod]
    public void TheOldClassifiersNumbersDoNotMatter()
    {
        using var network = TransformersNamesTests.Filled(Backbone.Micro);
        using var folder = new Folder();
        using var scope = NewDisposeScope();
        var path = folder.File("w.safetensors");
        SafeTensorsWriter.WriteFile(path, [.. network.NamedTensors(), ("fc.weight", full([2, 128], float.NaN))], s_nothing);
        using var read = Backbone.Micro.WithWeights(path).CreateNetwork(seed: 0);
        TransformersNamesTests.AssertSame(network, read);
    }

    [TestMethod]
    [DataRow(1, "one channel")]
    [DataRow(4, "4 channels")]
    public void AFileForOtherChannelsSaysWhatToWrite(int channels, string text)
    {
        using var folder = new Folder();
        var path = folder.File("w.safetensors");
        using (var other = (Backbone.ResNet18.FromScratch() with { InputChannels = channels }).CreateNetwork(seed: 1))
        {
            SafeTensorsWriter.WriteFile(path, other.NamedTensors(), s_nothing);
            var failure = Assert.ThrowsExactly<InvalidDataException>(
                () => Backbone.ResNet18.WithWeights(path).CreateNetwork(seed: 0)).Message;
            StringAssert.Contains(failure, $"conv1.weight [64, {channels}, 7, 7], expected [64, 3, 7, 7]");
            StringAssert.Contains(failure, $"The file is of a network for pictures of {text}, and this backbone takes 3");
            StringAssert.Contains(failure, $"write resnet18 with {{ InputChannels = {channels} }}");
            using var read = (Backbone.ResNet18.WithWeights(path) with { InputChannels = channels }).CreateNetwork(seed: 0);
            TransformersNamesTests.AssertSame(other, read);
        }
    }

    [TestMethod]
    [DataRow("padding", "same", "Backbone.ResNet18", "resnet18 pads symmetrically; its weights cannot ask for TensorFlowSame.")]
    [DataRow("input_size", "225", "Backbone.ViT", "patches of 16 pixels, and 225 is no multiple")]
    public void WhatANetworkCannotDoDoesNotHideWhoseWeightsTheyAre(string key, string value, string backbone, string message)
    {
        using var mobile = TransformersNamesTests.Filled(Backbone.MobileNetV1(0.25f));
        using var folder = new Folder();
        var path = folder.File("w.safetensors");
        SafeTensorsWriter.WriteFile(path, mobile.NamedTensors(), new Dictionary<string, string> { [key] = value });
        var chosen = backbone == "Backbone.ViT" ? Backbone.ViT(Backbone.Size.Tiny) : Backbone.ResNet18;
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => chosen.WithWeights(path)).Message;
        StringAssert.Contains(failure, message);
        StringAssert.Contains(failure, "These are the weights of mobilenetv1_025: choose Backbone.FromName(\"mobilenetv1_025\")");
        StringAssert.Contains(failure, path);
    }

    [TestMethod]
    public void ADistilledTransformerIsCalledByItsName()
    {
        using var network = TransformersNamesTests.Filled(Backbone.DeiT(Backbone.Size.Tiny));
        using var folder = new Folder();
        using var scope = NewDisposeScope();
        var path = folder.File("w.safetensors");
        SafeTensorsWriter.WriteFile(path, [.. network.NamedTensors(), ("dist_token", ones(1, 1, 192))], s_nothing);
        var backbone = Backbone.DeiT(Backbone.Size.Tiny).WithWeights(path);
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => backbone.CreateNetwork(seed: 0)).Message;
        StringAssert.Contains(failure, "In the file but not in the network (1): dist_token [1, 1, 192].");
        StringAssert.Contains(failure,
            "The file is of a distilled DeiT (it has a distillation token), which is not among the networks here");
    }

    // Each of 7,380 names under another of thousands of prefixes: the work grows with the names, not with their product. It was six
    // minutes.
    [TestMethod]
    public void ManyPrefixesAreReadOnce()
    {
        string[] parts = ["module", "_orig_mod", "model", "backbone", "encoder", "network", "net", "teacher", "student"];
        IEnumerable<string> prefixes = [""], all = [];
        for (var depth = 0; depth < 4; depth++)
        {
            prefixes = [.. prefixes.SelectMany(start => parts.Select(part => $"{start}{part}."))];
            all = [.. all, .. prefixes];
        }
        using var folder = new Folder();
        using var scope = NewDisposeScope();
        var path = folder.File("w.safetensors");
        var nothing = empty(0);
        SafeTensorsWriter.WriteFile(path, [.. all.Select(prefix => (prefix + "w", nothing))], s_nothing);
        using (var file = WeightFile.Open(path))
        {
            Assert.HasCount(7380, file.Entries);
            var asked = 0;
            FileNaming.Choose(file.Entries, _ => asked++ < 0, []);
            Assert.IsLessThan(7380 * 6, asked);
        }
        var watch = Stopwatch.StartNew();
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => Backbone.Micro.WithWeights(path).CreateNetwork(seed: 0)).Message;
        StringAssert.Contains(failure, "In the file but not in the network (7380)");
        Assert.IsLessThan(60, watch.Elapsed.TotalSeconds); // with the making of every network for the hint
    }

    [TestMethod]
    public void NamesOfUnusualLengthCostNoMoreThanTheirLength()
    {
        var asked = 0;
        var entries = new[] { new string('.', 200_000), string.Concat(Enumerable.Repeat("a.", 100_000)) + "w", new string('b', 200_000) }
            .Select(name => new WeightEntry(name, ScalarType.Float32, [0], [1], null!, 0)).ToList();
        var naming = FileNaming.Choose(entries, _ => asked++ < 0, []);
        Assert.AreEqual((0, "", 3), (asked, naming.Prefix, naming.Named.Count));
    }

    [TestMethod]
    public void AByteOrderThatIsNoTextIsPassedOver()
    {
        using var folder = new Folder();
        using var scope = NewDisposeScope();
        var path = folder.File("w.pth");
        WeightFileWriter.Write(path, [("weight", ones(2))], s_nothing);
        Entry("little", "little"u8);
        Entry("three bytes that are no UTF-8", [0xFF, 0xFE, 0x80]);
        Entry(null, "big"u8);

        // Our own writer's file, its byte order in another entry's place.
        void Entry(string? readable, ReadOnlySpan<byte> order)
        {
            var content = new Dictionary<string, byte[]>();
            using (var zip = ZipFile.OpenRead(path))
            {
                foreach (var entry in zip.Entries)
                {
                    using var stream = entry.Open();
                    using var bytes = new MemoryStream();
                    stream.CopyTo(bytes);
                    content[entry.FullName] = bytes.ToArray();
                }
            }
            content["archive/byteorder"] = order.ToArray();
            File.Delete(path);
            using (var zip = ZipFile.Open(path, ZipArchiveMode.Create))
            {
                foreach (var (name, bytes) in content)
                {
                    using var stream = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                    stream.Write(bytes);
                }
            }
            if (readable is null)
            {
                StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => WeightFile.Open(path)).Message, "big-endian");
                return;
            }
            using var file = WeightFile.Open(path);
            Assert.AreEqual("weight [2]", file.Entries.Single().Describe(), readable);
        }
    }

    /// <summary>Any header results in a network or an error about the file.</summary>
    [TestMethod]
    public void ChangedHeadersGiveANetworkOrAnErrorOfTheFile()
    {
        using var network = TransformersNamesTests.Filled(Backbone.Micro);
        using var folder = new Folder();
        var path = folder.File("w.safetensors");
        SafeTensorsWriter.WriteFile(path, network.NamedTensors(), Backbone.Micro.Recipe.ToMetadata());
        var original = File.ReadAllBytes(path);
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(original);
        var refused = 0;
        for (var trial = 0; trial < 400; trial++)
        {
            var random = new Random(trial);
            var broken = original.ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
                broken[8 + random.Next(length)] = (byte)"0123456789,.[]\"abnF-"[random.Next(20)];
            File.WriteAllBytes(path, broken);
            try
            {
                Backbone.Micro.WithWeights(path).CreateNetwork(seed: 0).Dispose();
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.IsGreaterThan(200, refused);
    }
}
