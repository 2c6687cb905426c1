using System.IO.Compression;
using System.Text;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.WeightFiles;

/// <summary>
/// Short files that would be long in memory, or take long to read: what they have a reader copy is bounded by their own bytes or by what
/// the network expects.
/// </summary>
[TestClass]
public sealed class MultipliedFilesTests
{
    private const string Start = "\u0080\u0002", Stop = ".", Dictionary = "ccollections\nOrderedDict\n",
        Again = "copies its values again and again";

    // A list of 20,000 pairs, made a dictionary 20,000 times: 140 KB that took 8 GB.
    [TestMethod]
    public void AListThatIsMadeADictionaryAgainAndAgainIsRefused() =>
        AssertRefused("](" + Repeat("NN\u0086", 20_000) + "eq\u0000" + Dictionary + "q\u0001(" + Repeat("h\u0001h\u0000\u0085R", 20_000)
            + "t" + Stop, Again);

    [TestMethod]
    public void SoAreManyListsInOneCall() =>
        AssertRefused("](" + Repeat("NN\u0086", 20_000) + "eq\u0000" + Dictionary + "(" + Repeat("h\u0000", 20_000) + "tR" + Stop, Again);

    [TestMethod]
    public void ArgumentsThatAreLookedThroughAgainAndAgainAreCounted() =>
        AssertRefused("(" + Repeat("N", 100_000) + "tq\u0000" + Dictionary + "q\u0001(" + Repeat("h\u0001h\u0000R", 100_000) + "t"
            + Stop, Again);

    [TestMethod]
    public void SoIsAStateThatIsGivenAgainAndAgain() =>
        AssertRefused("(" + Repeat("N", 100_000) + "tq\u0000}" + Repeat("h\u0000b", 100_000) + Stop, Again);

    [TestMethod]
    public void SoAreNamesThatAreMadeOfOneText()
    {
        var half = "X\u0000\u0004\u0000\u0000" + Repeat("a", 1024); // BINUNICODE, 4 bytes of length
        AssertRefused(half + "q\u0000(" + Repeat("h\u0000h\u0000\u0093", 100_000) + "t" + Stop, Again);
    }

    [TestMethod]
    public void AShapeOfAMillionSizesIsNotCopied() =>
        AssertRefused("(" + Repeat("K\u0001", 500_000) + "tq\u0000" + Tensor("h\u0000", "h\u0000", 1) + Stop,
            "a tensor is made of something else");

    [TestMethod]
    public void SoAreShapesThatAreMadeAgainAndAgain()
    {
        var sizes = "(" + Repeat("K\u0001", 64) + "tq\u0000";
        var arguments = "((U\u0007storagectorch\nFloatStorage\nU\u00010U\u0003cpuK\u0001tQK\u0000h\u0000h\u0000\u0089}tq\u0002";
        AssertRefused(sizes + arguments + "ctorch._utils\n_rebuild_tensor_v2\nq\u0003(" + Repeat("h\u0003h\u0002R", 100_000) + "t"
            + Stop, Again);
    }

    // Python 2 pickles a dictionary with an order as the call of its class on a list of pairs.
    [TestMethod]
    public void ADictionaryThatIsMadeOfAListOnceIsRead()
    {
        var pairs = string.Concat(Enumerable.Range(0, 20_000).Select(i => "](" + Text($"t{i}") + "h\u0000e"));
        using var file = HostileFilesTests.Open(
            Zip(Start + Tensor("K\u0001\u0085", "K\u0001\u0085", 1) + "q\u00000" + Dictionary + "](" + pairs + "e\u0085R" + Stop));
        Assert.HasCount(20_000, file.Entries);
    }

    // One number that claims to be many: it is read where the network's own tensor is as long, and not brought into another shape.
    [TestMethod]
    public void AnExpandedTensorIsNotAdaptedWhereItHasMoreNumbersThanFileAndNetwork()
    {
        using var target = zeros(2, 3);
        using var file = HostileFilesTests.Open(
            Zip(Start + "}" + Text("x") + Tensor("J\u00ff\u00ff\u00ff\u007fJ\u00ff\u00ff\u00ff\u0007\u0086", "K\u0000K\u0000\u0086", 1)
                + "s" + Stop));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.ThrowsExactly<InvalidDataException>(
            () => StrictLoader.Load(file, [("x", target)], "net", _ => false, adaptation: (_, _) => read => read.mean([0]).expand(2, 3)));
        StringAssert.Contains(error.Message, "Of another shape (1): x [2147483647, 134217727], expected [2, 3]");
        Assert.IsLessThan(1 << 20, GC.GetAllocatedBytesForCurrentThread() - before);

        using var small = HostileFilesTests.Open(Zip(Start + "}" + Text("x") + Tensor("K\u0006\u0085", "K\u0000\u0085", 1) + "s" + Stop));
        StrictLoader.Load(small, [("x", target)], "net", _ => false, adaptation: (_, _) => read => read.reshape(2, 3));
        CollectionAssert.AreEqual(Enumerable.Repeat(1.5, 6).ToArray(), target.Values());

        using var whole = HostileFilesTests.Open(
            Zip(Start + "}" + Text("x") + Tensor("K\u0002K\u0003\u0086", "K\u0000K\u0000\u0086", 1) + "s" + Stop));
        StrictLoader.Load(whole, [("x", target)], "net", _ => false);
        CollectionAssert.AreEqual(Enumerable.Repeat(1.5, 6).ToArray(), target.Values());
    }

    private static void AssertRefused(string pickle, string message)
    {
        var file = Zip(Start + pickle);
        var before = GC.GetAllocatedBytesForCurrentThread();
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => HostileFilesTests.Open(file).Dispose()).Message, message);
        Assert.IsLessThan(100L << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static string Repeat(string code, int count) => new StringBuilder().Insert(0, code, count).ToString();

    private static string Text(string text) => $"U{(char)text.Length}{text}";

    // A view of a storage of some numbers, each of them 1.5.
    private static string Tensor(string shape, string strides, int count) =>
        "ctorch._utils\n_rebuild_tensor_v2\n((" + Text("storage") + "ctorch\nFloatStorage\n" + Text("0") + Text("cpu")
            + $"K{(char)count}tQK\u0000" + shape + strides + "\u0089}tR";

    private static byte[] Zip(string pickle)
    {
        using var buffer = new MemoryStream();
        using (var zip = new ZipArchive(buffer, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("archive/data.pkl", Encoding.Latin1.GetBytes(pickle));
            Add("archive/data/0", BitConverter.GetBytes(1.5f));

            void Add(string name, byte[] content)
            {
                using var stream = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                stream.Write(content);
            }
        }
        return buffer.ToArray();
    }
}
