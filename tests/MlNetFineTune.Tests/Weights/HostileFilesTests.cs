using System.IO.Compression;
using System.Text;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.WeightFiles;

/// <summary>Files made to harm, or damaged: refused with a reason, never crashing, hanging,
/// or taking memory for what they only claim.</summary>
[TestClass]
public sealed class HostileFilesTests
{
    // The pieces of a pickle, in the form of protocol 2. A text is at most 255 bytes of Latin-1.
    private const string Start = "\u0080\u0002", Empty = ")", Mark = "(", Tuple = "t", Reduce = "R", Stop = ".";

    [TestMethod]
    [DataRow("posix\nsystem\n")]
    [DataRow("os\nsystem\n")]
    [DataRow("os.path\nexists\n")]
    [DataRow("subprocess\nPopen\n")]
    [DataRow("builtins\neval\n")]
    [DataRow("__builtin__\ngetattr\n")]
    [DataRow("importlib\nimport_module\n")]
    [DataRow("torch\nload\n")]
    [DataRow("types\nFunctionType\n")]
    [DataRow("pickle\nloads\n")]
    public void ACallThatRunsCodeIsRefusedByItsNameAndByte(string name)
    {
        var touched = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}");
        var failure = Refusal(Zip(Start + "}" + Text("x") + "c" + name + Mark + Text($"touch {touched}") + Tuple + Reduce + "s" + Stop));
        // 46 of the zip's entry and its name, 6 of what stands before
        StringAssert.Contains(failure, "its pickle is refused at byte 52: it asks for '" + name.TrimEnd('\n').Replace('\n', '.')
            + "', which runs code");
        Assert.IsFalse(File.Exists(touched));
    }

    [TestMethod]
    public void TheNewerWayToNameACallIsRefusedAlike()
    {
        StringAssert.Contains(
            Refusal(
                Zip("\u0080\u0004" + "\u008c\u0005posix" + "\u008c\u0006system" + "\u0093" + "\u008c\u0002ls" + "\u0085" + Reduce + Stop)),
            "it asks for 'posix.system'");
        StringAssert.Contains(Refusal(Zip("\u0080\u0004" + "\u008c\u0008builtins" + "\u008c\u0010object.__class__" + "\u0093" + Stop)),
            "it asks for 'builtins.object.__class__'");
    }

    [TestMethod]
    public void WhatIsUnknownButCannotHarmIsLeftOutAndNamed()
    {
        // {"x": tensor, "y": Tricky(), "z": Tricky().attribute...}; the object's own instructions (append, set, build) change nothing.
        var tricky = "cmy.options\nTricky\n" + Empty + Reduce + "}" + Text("a") + "N" + "s" + "b" + Mark + "NN" + "e" + Mark + "NN" + "u";
        var file = Zip(Start + "}" + Text("x") + Tensor("0", 2, "K\u0000", Mark + "K\u0002" + Tuple, Mark + "K\u0001" + Tuple) + "s"
            + Text("y") + tricky + "s" + Stop, ("0", new byte[8]));
        using var open = Open(file);
        Assert.AreEqual("x [2]", string.Join("; ", open.Entries.Select(entry => entry.Describe())));
        StringAssert.Contains(string.Join("\n", open.Notes),
            "Among the weights 1 entries are no tensors and were left out: y (my.options.Tricky at byte ");
    }

    [TestMethod]
    [DataRow("Ivalue\n", "the instruction Int")]
    [DataRow("P1\n", "the instruction PersId")]
    [DataRow("ios\nsystem\n", "the instruction Inst")]
    [DataRow("\u0082\u0001", "the instruction Ext1")]
    [DataRow("\u0097", "the instruction NextBuffer")]
    [DataRow("\u00ff", "0xff is no pickle instruction")]
    [DataRow("h\u0005", "it recalls memo 5")]
    [DataRow("t", "finds no mark")]
    [DataRow("0", "finds nothing on the stack")]
    [DataRow("NNR", "without a tuple")]
    [DataRow("N)R", "neither a function nor a class")]
    [DataRow("]Ns", "finds nothing on the stack")]
    [DataRow("](Nu", "a key has no value")]
    [DataRow("}Na", "no list")]
    [DataRow("](NNu", "no dictionary")]
    [DataRow("N}b", "has none")]
    [DataRow("X\u00ff\u00ff\u00ff\u007f", "ends early")]
    [DataRow("X\u0001\u0000\u0000\u0000\u00ff", "not UTF-8")]
    [DataRow("\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff", "ends early")]
    [DataRow("}", "ends early")]
    [DataRow("NQ", "a persistent id is not a tuple")]
    [DataRow(")Q", "in an unknown way")]
    [DataRow("\u0080\u0001", "protocol 1")]
    [DataRow("ctorch._utils\n_rebuild_tensor_v2\n)R", "a tensor is made of something else")]
    [DataRow("ccollections\nOrderedDict\n(](](NNNeetR", "a dictionary is made of something else")]
    public void AnInstructionThatNoWeightsNeedIsNamed(string code, string message) =>
        StringAssert.Contains(Refusal(Zip(Start + code)), message);

    [TestMethod]
    [DataRow("K\u0000", "K\u0003", "K\u0001", "reaches out of its storage '0' of 8 bytes")]
    [DataRow("K\u0001", "K\u0002", "K\u0001", "reaches out of its storage")]
    [DataRow("K\u0000", "K\u0002", "K\u0002", "reaches out of its storage")]
    [DataRow("K\u0000", "K\u0002K\u0002", "K\u0001K\u0001", "overlaps itself")]
    [DataRow("K\u0000", "J\u00ff\u00ff\u00ff\u00ff", "K\u0001", "is impossible")]
    [DataRow("K\u0000", "K\u0002", "J\u00ff\u00ff\u00ff\u00ff", "is impossible")]
    [DataRow("J\u00ff\u00ff\u00ff\u00ff", "K\u0001", "K\u0001", "is impossible")]
    [DataRow("K\u0000", "K\u0001K\u0001", "K\u0001", "is impossible")]
    // 2^62 numbers: more bytes than there are
    [DataRow("K\u0000", "J\u00ff\u00ff\u00ff\u007fJ\u00ff\u00ff\u00ff\u007f", "K\u0000K\u0000", "is impossible")]
    [DataRow("\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f", "K\u0002", "K\u0001", "reaches out of its storage")]
    [DataRow("K\u0000", "K\u0002", "\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f", "reaches out of its storage")]
    public void AViewThatDoesNotLieInItsStorageIsRefusedBeforeMemoryIsTaken(string offset, string shape, string strides, string message)
    {
        var file = Zip(Start + "}" + Text("x") + Tensor("0", 2, offset, Mark + shape + Tuple, Mark + strides + Tuple) + "s" + Stop,
            ("0", new byte[8]));
        var before = GC.GetAllocatedBytesForCurrentThread();
        StringAssert.Contains(Refusal(file), message);
        Assert.IsLessThan(1 << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void AZipThatIsNotWhatTorchSaveWritesIsRefused()
    {
        var pickle = Start + "}" + Text("x") + Tensor("0", 2, "K\u0000", Mark + "K\u0002" + Tuple, Mark + "K\u0001" + Tuple) + "s" + Stop;
        StringAssert.Contains(Refusal(Zip(pickle)), "the numbers of tensor 'x', data/0, are missing");
        StringAssert.Contains(Refusal(Zip(pickle, ("0", new byte[12]))), "have 12 bytes, expected 8");
        StringAssert.Contains(Refusal(Zip(pickle, ("0", new byte[8]), ("0", new byte[8]))), "two entries 'archive/data/0'");
        StringAssert.Contains(Refusal(Zip(pickle, ("../../x", new byte[8]))), "points out of the archive");
        StringAssert.Contains(Refusal(Zip(pickle, (@"..\x", new byte[8]))), "points out of the archive");
        StringAssert.Contains(Refusal(Zip(pickle, CompressionLevel.Optimal, ("0", new byte[1 << 20]))), "is compressed");
        StringAssert.Contains(Refusal(Zip(pickle, ("0", new byte[8]))[..^1]), "its directory is not at its end");
        StringAssert.Contains(Refusal(Zip(pickle.Replace("FloatStorage", "DoubleStorage"), ("0", new byte[8]))),
            "have 8 bytes, expected 16");

        var file = Zip(pickle, ("0", new byte[8]));
        var text = Encoding.Latin1.GetString(file);
        var central = text.LastIndexOf("archive/data/0", StringComparison.Ordinal) - 46;
        StringAssert.Contains(Refusal(Changed(file, central + 24, 9)), "has two sizes");
        StringAssert.Contains(Refusal(Changed(file, central + 42, 0)), "has another name where it begins");
        StringAssert.Contains(Refusal(Changed(file, central + 42, 1)), "does not begin at byte 1");
        StringAssert.Contains(Refusal(Changed(file, central + 8, 1)), "is encrypted");
    }

    [TestMethod]
    public void OneNameLeadsToOneTensor()
    {
        var tensor = Tensor("0", 2, "K\u0000", Mark + "K\u0002" + Tuple, Mark + "K\u0001" + Tuple);
        StringAssert.Contains(Refusal(Zip(Start + "}" + Text("x") + tensor + "s" + Text("x") + tensor + "s" + Stop, ("0", new byte[8]))),
            "names tensor 'x' twice");
        StringAssert.Contains(
            Refusal(
                Zip(Start + "}" + Text("a") + "}" + Text("x") + tensor + "ss" + Text("b") + "}" + Text("x") + tensor + "ss" + Stop,
                    ("0", new byte[8]))),
            "holds several sets of weights (a, b)");
        StringAssert.Contains(Refusal(Zip(Start + "}" + Text("state_dict") + "N" + "s" + Stop)),
            "holds no tensors in its dictionary (state_dict: None)");
        StringAssert.Contains(Refusal(Zip(Start + "}" + Text("state_dict") + "cmine\nWeights\n)R" + "s" + Stop)),
            "would have to be made by Python code");
    }

    // Dictionaries that refer to each other, many times over: each is looked into once.
    [TestMethod]
    public void AMazeOfReferencesIsWalkedOnce()
    {
        var before = Environment.CpuUsage.TotalTime; // and not the time that other programs took
        var maze = new StringBuilder(Start).Append("}q\u0000");
        for (var level = 1; level < 100; level++)
        {
            maze.Append("}q").Append((char)level).Append('(');
            for (var i = 0; i < 200; i++)
                maze.Append(Text($"{i}")).Append('h').Append((char)(level - 1));
            maze.Append('u');
        }
        StringAssert.Contains(Refusal(Zip(maze + Stop)), "holds no tensors");
        StringAssert.Contains(Refusal(Zip(Start + "}q\u0000" + Text("model") + "h\u0000" + "s" + Stop)), "holds no tensors"); // itself

        var deep = new StringBuilder(Start);
        for (var i = 0; i < 100_000; i++)
            deep.Append('}').Append(Text("a"));
        deep.Append("}").Append('s', 100_000).Append(Stop);
        StringAssert.Contains(Refusal(Zip(deep.ToString())), "holds no tensors");
        Assert.IsLessThan(20, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
    }

    [TestMethod]
    [DataRow("version https://git-lfs.github.com/spec/v1\noid sha256:0", "pointer of Git LFS")]
    [DataRow("<!DOCTYPE html><html>", "is a web page")]
    [DataRow("", "is empty")]
    [DataRow("\u001f\u008b\u0008\u0000", "gzip")]
    [DataRow("some text", "is no file of weights that is known. Known are safetensors")]
    [DataRow("\u0080\u0002N.", "not of torch.save: it does not begin with PyTorch's magic number")]
    public void OtherFilesAreCalledWhatTheyAre(string content, string message) =>
        StringAssert.Contains(Refusal(Encoding.Latin1.GetBytes(content)), message);

    [TestMethod]
    [DataRow("views.pth")]
    [DataRow("views-legacy.pth")]
    [DataRow("protocol4.pth")]
    [DataRow("checkpoint-legacy.pth")]
    [DataRow("torchsharp")]
    public void BytesThatWereChangedAtRandomAreReadOrRefusedButNothingElse(string name)
    {
        var original = name == "torchsharp" ? TorchSharpFileTests.Sample() : File.ReadAllBytes(TorchFileTests.PathOf(name));
        var refused = 0;
        for (var trial = 0; trial < 600; trial++)
        {
            var random = new Random(trial);
            var broken = original.ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
                broken[random.Next(broken.Length)] = (byte)random.Next(256);
            if (trial % 5 == 0)
                broken = broken[..random.Next(broken.Length)];

            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var file = Open(broken);
                foreach (var entry in file.Entries.Where(entry => entry.Shape.Aggregate(1.0, (product, size) => product * size) < 1e6))
                {
                    using var target = zeros(entry.Shape, ScalarType.Float32);
                    file.Read(entry, target);
                }
            }
            catch (InvalidDataException)
            {
                refused++;
            }
            Assert.IsLessThan(4 << 20, GC.GetAllocatedBytesForCurrentThread() - before, $"trial {trial}");
        }
        Assert.IsGreaterThan(100, refused);
    }

    internal static WeightFile Open(byte[] content)
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.pth");
        File.WriteAllBytes(path, content);
        try
        {
            return WeightFile.Open(path);
        }
        finally
        {
            File.Delete(path); // On Linux an open file can be read on.
        }
    }

    private static string Refusal(byte[] content) => Assert.ThrowsExactly<InvalidDataException>(() => Open(content).Dispose()).Message;

    private static string Text(string text) => $"U{(char)text.Length}{text}";

    private static string Tensor(string key, int count, string offset, string shape, string strides) =>
        "ctorch._utils\n_rebuild_tensor_v2\n" + Mark + Mark + Text("storage") + "ctorch\nFloatStorage\n" + Text(key) + Text("cpu")
            + $"K{(char)count}" + Tuple + "Q"
        + offset + shape + strides + "\u0089" + "}" + Tuple + Reduce;

    // torch.save names the folder in the zip after the file: "2024-05-01_12:30:00.pth" is a good name on Linux.
    [TestMethod]
    public void AFolderOfAnyNameIsRead()
    {
        var pickle = Start + "}" + Text("x") + Tensor("0", 2, "K\u0000", Mark + "K\u0002" + Tuple, Mark + "K\u0001" + Tuple) + "s" + Stop;
        using var named = new MemoryStream();
        using (var zip = new ZipArchive(named, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in ((string, byte[])[])[("data.pkl", Encoding.Latin1.GetBytes(pickle)), ("data/0", new byte[8])])
            {
                using var entry = zip.CreateEntry($"2024-05-01_12:30:00/{name}", CompressionLevel.NoCompression).Open();
                entry.Write(content);
            }
        }

        using var file = Open(named.ToArray());
        Assert.AreEqual("x [2]", file.Entries.Single().Describe());
    }

    private static byte[] Zip(string pickle, params (string Name, byte[] Content)[] storages) =>
        Zip(pickle, CompressionLevel.NoCompression, storages);

    private static byte[] Zip(string pickle, CompressionLevel compression, params (string Name, byte[] Content)[] storages)
    {
        using var buffer = new MemoryStream();
        using (var zip = new ZipArchive(buffer, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("archive/data.pkl", Encoding.Latin1.GetBytes(pickle), CompressionLevel.NoCompression);
            foreach (var (name, content) in storages)
                Add($"archive/data/{name}", content, compression);

            void Add(string name, byte[] content, CompressionLevel level)
            {
                using var stream = zip.CreateEntry(name, level).Open();
                stream.Write(content);
            }
        }
        return buffer.ToArray();
    }

    private static byte[] Changed(byte[] file, int at, byte value)
    {
        var result = file.ToArray();
        result[at] = value;
        return result;
    }
}
