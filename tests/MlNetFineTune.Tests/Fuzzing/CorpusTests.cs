using MlNetFineTune.Fuzz;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Fuzzing;

/// <summary>The inputs from which fuzzing begins, and each that once had a fault: read, or refused with a message.</summary>
[TestClass]
public sealed class CorpusTests
{
    private static readonly string s_corpus = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Fuzz", "Corpus");

    public static IEnumerable<object[]> Names => Target.All.Select(target => new object[] { target.Name });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void EveryInputIsReadOrRefusedWithAMessage(string name)
    {
        var accepted = 0;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(s_corpus, name)))
        {
            try
            {
                accepted += Target.Find(name).Check(File.ReadAllBytes(file)) is null ? 1 : 0;
            }
            catch (Exception e)
            {
                Assert.Fail($"{name}, '{Path.GetFileName(file)}': {e}");
            }
        }
        Assert.IsGreaterThan(0, accepted, "inputs that are read");
    }

    [TestMethod]
    public void EveryFolderBelongsToATarget() => CollectionAssert.AreEquivalent(
        Target.All.Select(target => target.Name).ToArray(), Directory.EnumerateDirectories(s_corpus).Select(Path.GetFileName).ToArray());

    [TestMethod]
    public void OtherExceptionsAreFindings()
    {
        AssertFound<NullReferenceException>(_ => throw new NullReferenceException());
        AssertFound<ArgumentException>(_ => throw new ArgumentException("x"));
        Assert.AreEqual("x", new Target("", _ => throw new ArgumentException("x")) { Refusals = [typeof(ArgumentException)] }.Check([]));
        Assert.AreEqual("x", new Target("", _ => throw new InvalidDataException("x")).Check([]));
    }

    [TestMethod]
    public void SoAreMemoryTensorsAndUnprintableMessages()
    {
        byte[]? kept = null;
        AssertFound<FindingException>(_ => kept = new byte[64 << 20]);
        Assert.IsNotNull(kept);
        AssertFound<FindingException>(_ => throw new InvalidDataException("a\u001b[31m"));
        AssertFound<FindingException>(_ => throw new InvalidDataException(new string('a', 10_000)));
        Tensor? leaked = null;
        Assert.ThrowsExactly<FindingException>(() => new Target("", _ => leaked = zeros(1)) { UsesTensors = true }.Check([]));
        leaked!.Dispose();
    }

    private static void AssertFound<T>(Action<byte[]> read)
        where T : Exception => Assert.ThrowsExactly<T>(() => new Target("", read).Check([]));
}
