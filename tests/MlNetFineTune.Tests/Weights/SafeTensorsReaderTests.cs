using System.Buffers.Binary;
using System.Text;
using MlNetFineTune.Networks;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Tests.WeightFiles;

[TestClass]
public sealed class SafeTensorsReaderTests
{
    private const string Good = """{"__metadata__":{"mean":"0.5,0.25,0.125"},"b":"""
        + """{"dtype":"F16","shape":[3],"data_offsets":[8,14]},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}""";

    [TestMethod]
    public void EntriesComeInTheOrderOfTheirBytes()
    {
        var header = Read(File(Good, 14));
        Assert.AreEqual("a [1, 2]; b [3]", string.Join("; ", header.Entries.Select(entry => entry.Describe())));
        Assert.AreEqual("0.5,0.25,0.125", header.Metadata["mean"]);
        Assert.IsEmpty(Read(File("{}", 0)).Entries);
    }

    [TestMethod]
    [DataRow("nothing", "[]", 0, "not a JSON object")]
    [DataRow("not JSON", "{\"a\":", 0, "not JSON")]
    [DataRow(
        "name twice", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8,
        "names 'a' twice")]
    [DataRow("gap", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "'a' begins at byte 4, expected 0")]
    [DataRow("overlap", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        8, "'b' begins at byte 4, expected 8")]
    [DataRow("wrong size", """{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "needs 12 bytes but has 8")]
    [DataRow("wrong size of the second", """{"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"""
        + """ "b":{"dtype":"F32","shape":[1],"data_offsets":[4,12]}}""", 12, "needs 4 bytes but has 8")]
    [DataRow("cut off", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "cut off")]
    [DataRow("appended", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "appended")]
    [DataRow("backward", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "tensor 'a' lacks")]
    [DataRow("overflow", """{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,0]}}""", 0,
        "impossible shape")]
    [DataRow("overflow to zero", """{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "impossible shape")]
    [DataRow("negative", """{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "tensor 'a' lacks")]
    [DataRow("fraction", """{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,6]}}""", 6, "tensor 'a' lacks")]
    [DataRow("unknown type", """{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}""", 4, "type F8_E4M3")]
    [DataRow("type of a number", """{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""", 4, "tensor 'a' lacks")]
    [DataRow("no type", """{"a":{"shape":[1],"data_offsets":[0,4]}}""", 4, "tensor 'a' lacks")]
    [DataRow("no offsets", """{"a":{"dtype":"F32","shape":[1]}}""", 4, "tensor 'a' lacks")]
    [DataRow("one offset", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4, "tensor 'a' lacks")]
    [DataRow("no shape", """{"a":{"dtype":"F32","data_offsets":[0,4]}}""", 4, "tensor 'a' lacks")]
    [DataRow("three offsets", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4, "tensor 'a' lacks")]
    [DataRow("metadata of numbers", """{"__metadata__":{"mean":1}}""", 0, "'mean' is not a text")]
    [DataRow("metadata in a list", """{"__metadata__":[]}""", 0, "__metadata__ is not an object")]
    [DataRow("type twice", """{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}""", 4,
        "the entry of tensor 'a' has 'dtype' twice")]
    [DataRow("shape twice", """{"a":{"dtype":"F32","shape":[1],"shape":[1,1],"data_offsets":[0,4]}}""", 4,
        "the entry of tensor 'a' has 'shape' twice")]
    [DataRow("unknown key twice", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1,"x":{"y":[]}}}""", 4,
        "the entry of tensor 'a' has 'x' twice")]
    [DataRow("metadata twice", """{"__metadata__":{"mean":"1","mean":"2"}}""", 0, "its __metadata__ names 'mean' twice")]
    [DataRow("entry in a list", """{"a":[]}""", 0, "tensor 'a' lacks")]
    [DataRow("shape in a shape", """{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", 4, "tensor 'a' lacks")]
    [DataRow("something after it", """{} {}""", 0, "not JSON")]
    [DataRow("half a character", """{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "not JSON")]
    public void AMalformedHeaderIsNamed(string what, string json, int dataBytes, string message)
    {
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => Read(File(json, dataBytes)), what);
        StringAssert.Contains(failure.Message, message, what);
        StringAssert.Contains(failure.Message, "'w.safetensors' is not a proper safetensors file", what);
    }

    // The length of the header comes first: 0x7B is a brace, 0x7B20 a blank and a brace, as an index of several files begins.
    [TestMethod]
    [DataRow(0x17B)]
    [DataRow(0x7B20)]
    public void AHeaderWhoseLengthLooksLikeTextIsAHeader(int length)
    {
        using var file = HostileFilesTests.Open(File(Good.PadRight(length), 14));
        Assert.AreEqual("a [1, 2]; b [3]", string.Join("; ", file.Entries.Select(entry => entry.Describe())));
    }

    [TestMethod]
    public void AFileThatIsTooShortOrAnnouncesAnAbsurdHeaderIsRefusedBeforeMemoryIsTaken()
    {
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Read([1, 2, 3])).Message, "it has 3 bytes");
        foreach (var announced in new[] { 1UL, 100_000_001UL, 1UL << 40, ulong.MaxValue })
        {
            var bytes = new byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, announced);
            var before = GC.GetAllocatedBytesForCurrentThread();
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Read(bytes)).Message,
                $"announce a header of {announced} bytes");
            Assert.IsLessThan(1 << 20, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    // The largest that is allowed is read; one more is not.
    [TestMethod]
    public void NamesDimensionsAndLengthsHaveTheirLimits()
    {
        Assert.AreEqual(4096, Read(Named(4096)).Entries.Single().Name.Length);
        StringAssert.Contains(Refusal(Named(4097)), "its header has a name of 4097 bytes");
        Assert.HasCount(64, Read(Shaped(64)).Entries.Single().Shape);
        StringAssert.Contains(Refusal(Shaped(65)), "shape (of at most 64 dimensions)");
        StringAssert.Contains(Refusal(new byte[8]), "its header is not JSON");
        Assert.IsTrue(Begins(100_000_000, "{"));
        Assert.IsFalse(Begins(100_000_001, "{"));
        Assert.IsFalse(Begins(100, "["));
        Assert.IsFalse(Begins(100, ""));

        static byte[] Named(int length) =>
            File($$$"""{"{{{new string('n', length)}}}":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4);
        static byte[] Shaped(int dimensions) =>
            File($$$"""{"a":{"dtype":"F32","shape":[{{{string.Join(',', Enumerable.Repeat(1, dimensions))}}}],"data_offsets":[0,4]}}""", 4);
        static bool Begins(ulong length, string header)
        {
            var start = new byte[8 + header.Length];
            BinaryPrimitives.WriteUInt64LittleEndian(start, length);
            Encoding.UTF8.GetBytes(header).CopyTo(start, 8);
            return SafeTensorsReader.Recognizes(start);
        }
    }

    // A tensor without numbers begins where another begins, or ends.
    [TestMethod]
    public void TensorsWithoutNumbersLieBetweenOthers() =>
        Assert.AreEqual("a [0]; b [1]; c [2, 0]", string.Join("; ", Read(File(
            """{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"c":{"dtype":"I8","shape":[2,0],"data_offsets":[4,4]},"""
            + """ "a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}""", 4)).Entries.Select(entry => entry.Describe())));

    [TestMethod]
    public void KeysOfLaterVersionsAreSkipped()
    {
        var entry = Read(File("""{"a":{"later":{"dtype":"I8","shape":[9]},"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4))
            .Entries.Single();
        Assert.AreEqual(("a [1]", TorchSharp.torch.ScalarType.Float32), (entry.Describe(), entry.Type));
    }

    // What messages show of it has no line breaks and nothing that a terminal obeys, and is short.
    [TestMethod]
    [DataRow("""{"\u001b[2J\n":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", @"tensor '\u001b[2J\n' of shape [3]")]
    [DataRow("""{"a":{"dtype":"\u001b\r","shape":[2],"data_offsets":[0,8]}}""", @"has the type \u001b\r; known are")]
    [DataRow("""{"__metadata__":{"\u202e":1}}""", @"entry '\u202e' is not a text")]
    public void WhatAFileSaysIsShownInOneLine(string json, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Read(File(json, 8))).Message, message);

    [TestMethod]
    public void LongTextAndManyDimensionsAreCut()
    {
        foreach (var json in (string[])[
            $$$"""{"{{{new string('n', 4000)}}}":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""",
            $$$"""{"{{{new string('n', 1 << 20)}}}":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""",
            $$$"""{"a":{"dtype":"{{{new string('t', 1 << 20)}}}","shape":[2],"data_offsets":[0,8]}}""",
            $$$"""{"a":{"dtype":"F32","shape":[{{{string.Join(',', Enumerable.Repeat(1, 100_000))}}}],"data_offsets":[0,8]}}"""])
        {
            Assert.IsLessThan(1000, Assert.ThrowsExactly<InvalidDataException>(() => Read(File(json, 8))).Message.Length);
        }
    }

    // One shape of 24 million ones in a header of 48 MB took 1.95 GB.
    [TestMethod]
    public void AHeaderOfShortNumbersTakesLittleMoreThanItsBytes()
    {
        var json = new StringBuilder("{\"a\":{\"dtype\":\"F32\",\"shape\":[1").Insert(29, "1,", 2_000_000)
            .Append("],\"data_offsets\":[0,4]}}").ToString();
        var file = File(json, 4);
        var before = GC.GetAllocatedBytesForCurrentThread();
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Read(file)).Message, "shape (of at most 64 dimensions)");
        Assert.IsLessThan(file.Length * 2, GC.GetAllocatedBytesForCurrentThread() - before);

        var many = File("{" + string.Join(',', Enumerable.Range(0, 50_000).Select(i => $$"""
            "t{{i}}":{"dtype":"F32","shape":[0],"data_offsets":[0,0] }
            """)) + "}", 0);
        before = GC.GetAllocatedBytesForCurrentThread();
        Assert.HasCount(50_000, Read(many).Entries);
        Assert.IsLessThan(many.Length * 16, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void BytesThatWereChangedAtRandomAreReadOrRefusedButNothingElse()
    {
        var file = File(Good, 14);
        var refused = 0;
        for (var trial = 0; trial < 5000; trial++)
        {
            var random = new Random(trial);
            var broken = file.ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
                broken[random.Next(broken.Length)] ^= (byte)(1 << random.Next(8));
            if (trial % 5 == 0)
                broken = broken[..random.Next(broken.Length)];

            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Read(broken);
            }
            catch (InvalidDataException)
            {
                refused++;
            }

            Assert.IsLessThan(1 << 20, GC.GetAllocatedBytesForCurrentThread() - before, $"trial {trial}");
        }

        Assert.IsGreaterThan(1000, refused);
    }

    [TestMethod]
    public void TheMetadataBecomeTheRecipe()
    {
        var recipe = Backbone.MobileNetV2.Recipe.With(Read(File(
            """{"__metadata__":{"mean":"0.1,0.2,0.3","std":"0.4,0.5,0.6","padding":"same """
            + """(TF)","bn_eps":"0.001","input_size":"192","crop_pct":"0.9","interpolation":"bilinear","note":"x"}}""",
            0)).Metadata, "w.safetensors");
        Assert.AreEqual(new ColorTriple(0.1f, 0.2f, 0.3f), recipe.Preprocessing.Mean);
        Assert.AreEqual(new ColorTriple(0.4f, 0.5f, 0.6f), recipe.Preprocessing.Std);
        Assert.AreEqual((Backbone.ConvolutionPadding.TensorFlowSame, 0.001), (recipe.Padding, recipe.Epsilon));
        Assert.AreEqual((192, 0.9f, Interpolation.Bilinear),
            (recipe.Preprocessing.Size, recipe.Preprocessing.CropFraction, recipe.Preprocessing.Interpolation));
        Assert.AreEqual(Backbone.MobileNetV2.Recipe, Backbone.MobileNetV2.Recipe.With(Read(File("{}", 0)).Metadata, "w.safetensors"));
    }

    [TestMethod]
    [DataRow("mean", "0.5,0.5")]
    [DataRow("mean", "NaN,0,0")]
    [DataRow("std", "0,1,1")]
    [DataRow("std", "a,b,c")]
    [DataRow("input_size", "99999999999")]
    [DataRow("input_size", "8")]
    [DataRow("crop_pct", "1.5")]
    [DataRow("interpolation", "nearest")]
    [DataRow("interpolation", "7")]
    [DataRow("bn_eps", "none")]
    [DataRow("bn_eps", "NaN")]
    [DataRow("bn_eps", "-1")]
    [DataRow("bn_eps", "0")]
    public void MetadataThatMakeNoSenseAreAnErrorThatNamesThem(string key, string value)
    {
        var header = Read(File($$$"""{"__metadata__":{"{{{key}}}":"{{{value}}}"}}""", 0));
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => Backbone.MobileNetV2.Recipe.With(header.Metadata, header.Source));
        StringAssert.Contains(failure.Message, $"'w.safetensors': its metadata entry {key} = '{value}' cannot be used");
    }

    internal static byte[] File(string json, int dataBytes)
    {
        var header = Encoding.UTF8.GetBytes(json);
        var file = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)header.Length);
        header.CopyTo(file, 8);
        return file;
    }

    private static string Refusal(byte[] file) => Assert.ThrowsExactly<InvalidDataException>(() => Read(file)).Message;

    private static WeightFile Read(byte[] file) => SafeTensorsReader.Read(Bytes(file), "w.safetensors");

    internal static ByteSource Bytes(byte[] file) => ByteSource.OfStream(new MemoryStream(file), file.Length);
}
