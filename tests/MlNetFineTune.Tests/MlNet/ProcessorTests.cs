using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.MlNet;

/// <summary>What CPUID tells of caches, read as oneDNN reads it. The leaves are those of AMD's and Intel's manuals, with every number one
/// less than it is.</summary>
[TestClass]
public sealed class ProcessorTests
{
    private static readonly (int, int, int, int) s_amd = (13, Letters("Auth"), Letters("cAMD"), Letters("enti"));
    private static readonly (int, int, int, int) s_intel = (31, Letters("Genu"), Letters("ntel"), Letters("ineI"));

    [TestMethod]
    public void ZenFiveTellsItsCaches()
    {
        var processor = Processor.Read((leaf, sub) => ((uint)leaf, sub) switch
        {
            (0, _) => s_amd,
            (0x8000001D, 0) => (0x121, Cache(ways: 12, line: 64), 63, 0),    // 48 KiB of data
            (0x8000001D, 1) => (0x122, Cache(ways: 8, line: 64), 63, 0),     // 32 KiB of instructions
            (0x8000001D, 2) => (0x143, Cache(ways: 16, line: 64), 1023, 0),  // 1 MiB
            (0x8000001D, 3) => (0x163, Cache(ways: 16, line: 64), 32767, 0), // 32 MiB
            _ => default,
        });

        CollectionAssert.AreEqual(new long[] { 48 << 10, 1 << 20, 32 << 20 }, processor.DataCaches.ToArray());
        Assert.IsTrue(processor.TellsCaches);
        Assert.IsFalse(CacheSizes.AreMistaken(processor));
    }

    [TestMethod]
    public void AnEmptyLeafOfAmdIsThreeCachesOfOneByteToOneDnn()
    {
        var processor = Processor.Read((leaf, _) => leaf == 0 ? s_amd : default);

        CollectionAssert.AreEqual(new long[] { 1, 1, 1 }, processor.DataCaches.ToArray());
        Assert.IsFalse(processor.TellsCaches);
        Assert.IsTrue(CacheSizes.AreMistaken(processor));
        StringAssert.Contains(processor.ToString(), "AuthenticAMD");
    }

    [TestMethod]
    public void SapphireRapidsTellsItsCachesAndHiddenOnesAreGuessedRight()
    {
        var told = Processor.Read((leaf, sub) => (leaf, sub) switch
        {
            (0, _) => s_intel,
            (4, 0) => (0x04000121, Cache(ways: 12, line: 64), 63, 0),      // 48 KiB of data
            (4, 1) => (0x04000122, Cache(ways: 8, line: 64), 63, 0),       // instructions
            (4, 2) => (0x04000143, Cache(ways: 16, line: 64), 2047, 0),    // 2 MiB
            (4, 3) => (0x04000163, Cache(ways: 20, line: 64), 245759, 0),  // 300 MiB
            _ => default,
        });
        var hidden = Processor.Read((leaf, _) => leaf == 0 ? s_intel : default);

        CollectionAssert.AreEqual(new long[] { 48 << 10, 2 << 20, 300 << 20 }, told.DataCaches.ToArray());
        Assert.IsTrue(told.TellsCaches);
        Assert.IsFalse(hidden.TellsCaches);
        Assert.IsFalse(CacheSizes.AreMistaken(told) || CacheSizes.AreMistaken(hidden));
    }

    [TestMethod]
    public void ThreeCachesOfOneByteAreFoundInMemoryAndNothingLikeThem()
    {
        int[] sizes = [1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        int[] shared = [1, 2, 4, 0, 0, 0, 0, 0, 0, 0];
        int[] memory = [7, 1, 1, .. sizes, .. shared, 3, 9, .. sizes, .. shared, 2, .. sizes, 0, .. shared[1..], 3, .. sizes];

        CollectionAssert.AreEqual(new[] { 3 }, CacheSizes.Places(memory));
        Assert.IsEmpty(CacheSizes.Places([]));
        Assert.HasCount(2, CacheSizes.Places([.. sizes, .. shared, 3, .. sizes, .. shared, 3]));
    }

    private static int Cache(int ways, int line) => ((ways - 1) << 22) | (line - 1);

    private static int Letters(string four) => four[0] | (four[1] << 8) | (four[2] << 16) | (four[3] << 24);
}
