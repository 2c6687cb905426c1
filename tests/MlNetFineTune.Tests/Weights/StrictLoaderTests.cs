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
        Assert.DoesNotContain("Named twice", failure.Message);
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

    // q, k and v of one library are the rows of another's qkv.
    [TestMethod]
    public void PartsFillTheirRowsAndOneThatLacksOrIsOfAnotherShapeIsNamed()
    {
        using var scope = NewDisposeScope();
        var map = new NameMap("other", name => name is "q" or "k" or "v" ? "qkv" : name)
        {
            PartOf = name => name is "q" or "k" or "v" ? new TensorPart("qkv".IndexOf(name[0]), 3) : TensorPart.Whole,
        };
        IReadOnlyList<(string, Tensor)> targets = [("qkv", zeros(6, 2)), ("b", zeros(1))];
        var (q, k, v, b) = (ones(2, 2), 2 * ones(2, 2), 3 * ones(2, 2), ones(1));

        var notes = StrictLoader.Load(Saved(("v", v), ("b", b), ("k", k), ("q", q)), targets, "net", _ => false, [map]);

        CollectionAssert.AreEqual(new double[] { 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3 }, targets[0].Item2.Values());
        Assert.AreEqual("The names of the tensors are other's and were translated to those of net.", notes.Single());
        StringAssert.Contains(Refusal(Saved(("q", q), ("v", v), ("b", b))), "Missing in the file (1): qkv [2, 2] (part 2 of 3).");
        StringAssert.Contains(Refusal(Saved(("q", q), ("k", zeros(3, 2)), ("v", v), ("b", b))),
            "Of another shape (1): k [3, 2], expected [2, 2].");
        const string both = "Missing in the file (2): qkv [2, 2] (part 1 of 3); qkv [2, 2] (part 3 of 3).";
        StringAssert.Contains(Refusal(Saved(("qkv", ones(6, 2)), ("k", k), ("b", b))), both);
        StringAssert.Contains(Refusal(Saved(("k", k), ("qkv", ones(6, 2)), ("b", b))), both);

        string Refusal(WeightFile file) => Assert.ThrowsExactly<InvalidDataException>(
            () => StrictLoader.Load(file, targets, "net", _ => false, [map], (_, _) => read => read)).Message;
    }

    [TestMethod]
    public void AFileWithTwoOfOneTensorOrSeveralNetworksIsRefused()
    {
        using var scope = NewDisposeScope();
        var map = new NameMap("other", name => name is "x" or "y" ? "a" : name);
        StringAssert.Contains(Refusal(Saved(("x", ones(1)), ("y", ones(1)))), "Named twice (1): a by x and y.");
        StringAssert.Contains(Refusal(Saved(("one.a", ones(1)), ("two.a", ones(1)))), "hold net several times, under one., two..");

        string Refusal(WeightFile file) => Assert.ThrowsExactly<InvalidDataException>(
            () => StrictLoader.Load(file, [("a", zeros(1))], "net", _ => false, [map])).Message;
    }

    [TestMethod]
    public void AReportSaysWhatWasTakenOffAndWhatTheFileMayBe()
    {
        using var scope = NewDisposeScope();
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => StrictLoader.Load(
            Saved(("m.a", ones(1)), ("m.b", ones(1))), [("a", zeros(1)), ("b", zeros(1)), ("c", zeros(1))], "net", _ => false,
            hint: () => "It is of another.")).Message.ReplaceLineEndings("\n");
        StringAssert.Contains(failure, "Missing in the file (1): c [1].\nThe prefix 'm.' was taken off the names of the tensors.\n");
        StringAssert.EndsWith(failure, "\nIt is of another.");
    }

    [TestMethod]
    public void WhatIsAdaptedHasItsNumbersAndIsSaidWhereTheirCountChanges()
    {
        using var scope = NewDisposeScope();
        var (twice, flat) = (zeros(4), zeros(4));
        var notes = StrictLoader.Load(
            Saved(("twice", tensor(new[] { 1f, 2 })), ("flat", tensor(new[] { 3f, 4, 5, 6 }, [2, 2]))), [("twice", twice), ("flat", flat)],
            "net", _ => false, adaptation: (name, _) => read => name == "twice" ? read.repeat(2) : read.flatten());
        CollectionAssert.AreEqual(new double[] { 1, 2, 1, 2 }, twice.Values());
        CollectionAssert.AreEqual(new double[] { 3, 4, 5, 6 }, flat.Values());
        Assert.AreEqual("twice [2] was adapted to [4], for pictures of another size or other channels.", notes.Single());
    }

    // A view that repeats one number could claim any size: it is read into no more memory than the network's tensor takes.
    [TestMethod]
    public void AnExpandedNumberIsAdaptedUpToTheNetworksSize()
    {
        using var scope = NewDisposeScope();
        var target = zeros(1, 3);
        Load(target);
        CollectionAssert.AreEqual(new double[] { 1, 1, 1 }, target.Values());
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Load(zeros(2))).Message,
            "Of another shape (1): a [3], expected [2].");

        static void Load(Tensor target)
        {
            var bytes = ByteSource.OfMemory(BitConverter.GetBytes(1f));
            using var file = new WeightFile(
                "f", [new WeightEntry("a", ScalarType.Float32, [3], [0], bytes, 0)], new Dictionary<string, string>(), [], [bytes]);
            StrictLoader.Load(file, [("a", target)], "net", _ => false, adaptation: (_, _) => read => read.reshape(target.shape));
        }
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

    private static WeightFile Saved(params (string Name, Tensor Tensor)[] tensors)
    {
        using var stream = new MemoryStream();
        SafeTensorsWriter.Write(stream, tensors, new Dictionary<string, string>());
        return SafeTensorsReader.Read(ByteSource.OfMemory(stream.ToArray()), "f");
    }

    private static WeightFile Read(MemoryStream stream, string source)
    {
        stream.Position = 0;
        return SafeTensorsReader.Read(ByteSource.OfStream(stream, stream.Length), source);
    }
}
