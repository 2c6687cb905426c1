using System.IO.Compression;
using System.Text;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>A damaged TorchScript file is found before libtorch sees it: libtorch would end the process, and this one with it.</summary>
[TestClass]
public sealed class DamagedProgramTests
{
    private static readonly ImagePreprocessing s_small = new()
    {
        Size = 32,
        CropFraction = 1,
        Mean = ColorTriple.Half,
        Std = ColorTriple.Half
    };

    // Every bit of the file is tried; what passes (bytes that fill up, times) is the same program, of which some are run.
    [TestMethod]
    public void AFlippedBitIsFoundOrMeansNothing()
    {
        var original = File.ReadAllBytes(PathOf("maps.pt"));
        var expected = Features(original);
        var passed = new List<int>();
        for (var bit = 0; bit < 8 * original.Length; bit++)
        {
            try
            {
                ScriptArchive.Check(Flipped(original, bit), "maps.pt");
                passed.Add(bit);
            }
            catch (InvalidDataException)
            {
            }
        }
        Assert.IsLessThan(8 * original.Length / 2, passed.Count);
        foreach (var bit in passed.Where((_, index) => index % Math.Max(passed.Count / 100, 1) == 0))
        {
            try
            {
                CollectionAssert.AreEqual(expected, Features(Flipped(original, bit)), $"bit {bit % 8} of byte {bit / 8}");
            }
            catch (InvalidDataException)
            {
                // libtorch looks at something that we do not.
            }
        }
    }

    [TestMethod]
    [DataRow("scripted.pt")]
    [DataRow("traced.pt")]
    [DataRow("dropout.pt")]
    public void ADamagedFileIsAnErrorWithAReason(string name)
    {
        using var folder = new Folder();
        var original = File.ReadAllBytes(PathOf(name));
        foreach (var at in Enumerable.Range(0, 40).Select(i => (int)((2L * i + 1) * original.Length / 80)))
        {
            var damaged = original.ToArray();
            damaged.AsSpan(at, Math.Min(64, damaged.Length - at)).Fill(0xa5); // a whole line, so that it is not only filling
            File.WriteAllBytes(folder.File(name), damaged);
            var error = Assert.ThrowsExactly<InvalidDataException>(
                () => Backbone.FromTorchScript(folder.File(name), s_small), $"byte {at}");
            StringAssert.Contains(error.Message, "is no TorchScript program, or it is damaged: ");
        }
    }

    [TestMethod]
    public void WhatTheChecksumsCannotTellIsLookedAtItself()
    {
        var original = File.ReadAllBytes(PathOf("maps.pt"));
        ScriptArchive.Check(Changed(original, "", content => content), "maps.pt"); // written again by another writer
        StringAssert.Contains(Refusal(Changed(original, "data/0", content => content[..^4])),
            "the numbers '0' of its data.pkl have 644 bytes, expected 648");
        StringAssert.Contains(Refusal(Changed(original, "data/1", _ => null)), "the numbers '1' of its data.pkl have 0 bytes, expected 24");
        StringAssert.Contains(Refusal(Changed(original, "constants.pkl", _ => null)), "has no constants.pkl");
        StringAssert.Contains(Refusal(Changed(original, "version", _ => [(byte)'x'])), "its version is not a number");
        StringAssert.Contains(Refusal(Changed(original, "data.pkl", content => content[..^1])), "it ends early");
        StringAssert.Contains(
            Refusal(Changed(original, "code/__torch__/torch/nn/modules/conv/___torch_mangle_10.py", content => [.. content, 0xff])),
            "is not text");
        StringAssert.Contains(
            Refusal(
                Changed(original, "data.pkl", content => Encoding.Latin1.GetBytes(
                Encoding.Latin1.GetString(content)
                .Replace("torch._utils\n_rebuild_tensor_v2", "posix\nsystem", StringComparison.Ordinal)))), "it asks for 'posix.system'");
    }

    private static string Refusal(byte[] bytes) =>
        Assert.ThrowsExactly<InvalidDataException>(() => ScriptArchive.Check(bytes, "maps.pt")).Message;

    private static byte[] Flipped(byte[] bytes, int bit)
    {
        var result = bytes.ToArray();
        result[bit / 8] ^= (byte)(1 << bit % 8);
        return result;
    }

    private static double[] Features(byte[] bytes)
    {
        using var scope = NewDisposeScope();
        using var network = new TorchScript(
            bytes, "maps.pt", s_small).Architecture.Create(new WeightsRecipe(s_small, Backbone.ConvolutionPadding.Symmetric, 1e-5));
        return network.forward(Formula.Images(2, 32, 32)).Values();
    }

    private static byte[] Changed(byte[] bytes, string entryName, Func<byte[], byte[]?> change)
    {
        using var changed = new MemoryStream();
        using (var archive = new ZipArchive(changed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in Zip.Read(bytes))
            {
                if ((name == "maps/" + entryName ? change(content) : content) is not { } written)
                    continue;
                using var entry = archive.CreateEntry(
                    name, name.Contains("/code/") ? CompressionLevel.Optimal : CompressionLevel.NoCompression).Open();
                entry.Write(written);
            }
        }
        return changed.ToArray();
    }

    private static string PathOf(string name) =>
        Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchscript", name);
}
