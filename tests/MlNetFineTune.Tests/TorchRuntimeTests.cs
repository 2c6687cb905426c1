using System.Text;
using MlNetFineTune.MlNet;
using TorchSharp;

namespace MlNetFineTune.Tests;

[TestClass]
public sealed class TorchRuntimeTests
{
    [TestMethod]
    public void TorchSharpLoadsAndComputes()
    {
        TorchRuntime.EnsureLoaded();

        using var scope = torch.NewDisposeScope();
        var product = torch.tensor(new float[,] { { 1, 2 }, { 3, 4 } }).matmul(torch.tensor(new float[,] { { 5 }, { 6 } }));

        CollectionAssert.AreEqual(new float[] { 17, 39 }, product.data<float>().ToArray());
    }

    [TestMethod]
    public void TheMessageOfAFailureToLoadNamesThePackageAndItsVersion()
    {
        var message = TorchRuntime.Explain();

        StringAssert.Contains(message, "libtorch-cpu-");
        StringAssert.Contains(message, "2.10.0");
    }

    [TestMethod]
    public void TheNativeLibraryBesideTheTestsAsksWeaklyForTheNewestLibstdcxx()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("The library is mended on Linux alone.");

        var library = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so"));

        // An independent way to the entry: a Vernaux begins with the ELF hash of the version's name, and its flags follow.
        var entry = library.AsSpan().IndexOf(BitConverter.GetBytes(ElfHash("GLIBCXX_3.4.32")));
        Assert.IsGreaterThan(0, entry, "The library no longer asks for GLIBCXX_3.4.32: buildTransitive/MlNetFineTune.targets can go.");
        Assert.AreEqual(2, BitConverter.ToUInt16(library, entry + 4));
    }

    private static uint ElfHash(string name)
    {
        uint hash = 0;
        foreach (var c in Encoding.ASCII.GetBytes(name))
        {
            hash = (hash << 4) + c;
            hash = (hash ^ ((hash & 0xf0000000) >> 24)) & 0x0fffffff;
        }

        return hash;
    }
}
