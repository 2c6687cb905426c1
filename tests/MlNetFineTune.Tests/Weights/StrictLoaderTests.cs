using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.WeightFiles;

[TestClass]
public sealed class StrictLoaderTests
{
    [TestMethod]
    public void WhatIsWrittenIsReadBackBitForBit()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (tensor(new[] { 1f, -0f, float.Epsilon, float.NaN, float.NegativeInfinity, 1e38f }, [2, 3]), tensor(new[] { 7f }));
        using var stream = new MemoryStream();
        SafeTensorsWriter.Write(stream, [("a", a), ("b.c", b.t())], new Dictionary<string, string> { ["k"] = "é\"\n", ["a"] = "" });
        var file = Read(stream, "f");
        Assert.AreEqual(0, file.Entries[0].Offset % 8);
        Assert.AreEqual("é\"\n", file.Metadata["k"]);

        var (readA, readB) = (zeros(2, 3), zeros(1));
        StrictLoader.Load(file, [("b.c", readB), ("a", readA)], "net", _ => false);
        CollectionAssert.AreEqual(a.bytes.ToArray(), readA.bytes.ToArray());
        CollectionAssert.AreEqual(b.bytes.ToArray(), readB.bytes.ToArray());
        Assert.ThrowsExactly<ArgumentException>(
            () => SafeTensorsWriter.Write(new MemoryStream(), [("d", zeros(1, ScalarType.Float64))], new Dictionary<string, string>()));
    }

    [TestMethod]
    public void TensorsThatLieInAnotherOrderInMemoryAreWrittenRowByRow()
    {
        using var scope = NewDisposeScope();
        using var stream = new MemoryStream();
        SafeTensorsWriter.Write(stream, [("a", arange(6, ScalarType.Float32).reshape(2, 3).t())], new Dictionary<string, string>());
        var read = zeros(3, 2);
        StrictLoader.Load(Read(stream, "f"), [("a", read)], "net", _ => false);
        CollectionAssert.AreEqual(new double[] { 0, 3, 1, 4, 2, 5 }, read.Values());
    }

    [TestMethod]
    [DataRow("F16", "003C00C0", 1.0, -2.0)]
    [DataRow("BF16", "803F00C0", 1.0, -2.0)]
    [DataRow("F64", "000000000000F03F00000000000000C0", 1.0, -2.0)]
    [DataRow("I64", "010000000000000003000000000000000000", 1.0, 3.0)]
    public void OtherNumberTypesAreConverted(string type, string hex, double first, double second)
    {
        var data = Convert.FromHexString(hex)[..(type is "F16" or "BF16" ? 4 : 16)];
        var file = SafeTensorsReaderTests.File($$$"""{"a":{"dtype":"{{{type}}}","shape":[2],"data_offsets":[0,{{{data.Length}}}]}}""", 0)
            .Concat(data).ToArray();
        using var target = zeros(2);
        StrictLoader.Load(SafeTensorsReader.Read(SafeTensorsReaderTests.Bytes(file), "f"), [("a", target)], "net", _ => false);
        CollectionAssert.AreEqual(new[] { first, second }, target.Values());
    }

    [TestMethod]
    public void EverythingThatDoesNotFitIsInOneReportAndNothingIsCopied()
    {
        using var scope = NewDisposeScope();
        using var stream = new MemoryStream();
        SafeTensorsWriter.Write(stream,
            [("same", ones(2)), ("wide", ones(3)), ("extra", ones(1)), ("fc.weight", ones(1)), ("bn.num_batches_tracked", ones(1))],
            new Dictionary<string, string>());
        var file = Read(stream, "weights.safetensors");
        var same = zeros(2);
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => StrictLoader.Load(
            file, [("same", same), ("wide", zeros(4)), ("absent.one", zeros(5, 6)), ("absent.two", zeros(1))], "SomeNet",
            name => name.StartsWith("fc.", StringComparison.Ordinal) || name.EndsWith("tracked", StringComparison.Ordinal)));
        StringAssert.Contains(failure.Message, "The weights in 'weights.safetensors' do not fit SomeNet.");
        StringAssert.Contains(failure.Message, "Missing in the file (2): absent.one [5, 6]; absent.two [1].");
        StringAssert.Contains(failure.Message, "In the file but not in the network (1): extra [1].");
        StringAssert.Contains(failure.Message, "Of another shape (1): wide [3], expected [4].");
        CollectionAssert.AreEqual(new double[] { 0, 0 }, same.Values());
    }

    [TestMethod]
    [DataRow(20, "t19 [1].")]
    [DataRow(21, "t19 [1]; and 1 more.")]
    [DataRow(45, "t19 [1]; and 25 more.")]
    public void TwentyOfAKindAreNamedAndTheRestAreCounted(int count, string end)
    {
        using var scope = NewDisposeScope();
        using var stream = new MemoryStream();
        SafeTensorsWriter.Write(stream, [("other", ones(1))], new Dictionary<string, string>());
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => StrictLoader.Load(
            Read(stream, "f"), [.. Enumerable.Range(0, count).Select(i => ($"t{i}", zeros(1)))], "net", _ => false)).Message;
        StringAssert.Contains(failure, $"Missing in the file ({count}): t0 [1]; t1 [1]; ");
        StringAssert.Contains(failure, end);
        StringAssert.EndsWith(failure, "Choose the backbone that these weights belong to, or the weights of net.");
    }

    [TestMethod]
    public void ThreeOfManyNamesAreShown()
    {
        Assert.AreEqual("", MismatchReport.Few([]));
        Assert.AreEqual("a, b, c", MismatchReport.Few(["a", "b", "c"]));
        Assert.AreEqual("a, b, c ...", MismatchReport.Few(["a", "b", "c", "d"]));
    }

    [TestMethod]
    public void ABackboneIgnoresTheOldClassifierAndBatchCountersButNothingElse()
    {
        using var classifier = Formula.Classifier("micro", 1, "symmetric", 1e-5);
        using var counter = zeros(1);
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");
        try
        {
            SafeTensorsWriter.WriteFile(path, [.. classifier.NamedTensors(), ("bn1.num_batches_tracked", counter)],
                new Dictionary<string, string>());
            Assert.HasCount(1, Directory.GetFiles(Path.GetTempPath(), Path.GetFileName(path) + "*"), "nothing is left beside the file");
            using (var network = Backbone.Micro.WithWeights(path).CreateNetwork(seed: 0))
            {
                foreach (var (expected, read) in classifier.Backbone.NamedTensors().Zip(network.NamedTensors()))
                    CollectionAssert.AreEqual(expected.Tensor.Values(), read.Tensor.Values(), expected.Name);
            }

            SafeTensorsWriter.WriteFile(path, [.. classifier.NamedTensors(), ("bn2.weight", counter)], new Dictionary<string, string>());
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(
                () => Backbone.Micro.WithWeights(path).CreateNetwork(0)).Message, "(1): bn2.weight [1]");

            // A write that fails leaves the old file as it was.
            var before = File.ReadAllBytes(path);
            using var doubles = zeros(1, ScalarType.Float64);
            Assert.ThrowsExactly<ArgumentException>(
                () => SafeTensorsWriter.WriteFile(path, [("a", counter), ("b", doubles)], new Dictionary<string, string>()));
            CollectionAssert.AreEqual(before, File.ReadAllBytes(path));
            Assert.HasCount(1, Directory.GetFiles(Path.GetTempPath(), Path.GetFileName(path) + "*"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static WeightFile Read(MemoryStream stream, string source)
    {
        stream.Position = 0;
        return SafeTensorsReader.Read(ByteSource.OfStream(stream, stream.Length), source);
    }
}
