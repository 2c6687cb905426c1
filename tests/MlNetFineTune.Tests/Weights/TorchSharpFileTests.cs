using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.WeightFiles;

/// <summary>Files of TorchSharp's own <c>Module.save</c>, written by TorchSharp.</summary>
[TestClass]
public sealed class TorchSharpFileTests
{
    [TestMethod]
    public void EveryTensorIsReadAsItWasSaved()
    {
        using var scope = NewDisposeScope();
        using var module = new Buffers();
        using var file = HostileFilesTests.Open(Saved(module));
        var expected = module.state_dict();
        CollectionAssert.AreEqual(expected.Keys, file.Entries.Select(entry => entry.Name).ToList());
        foreach (var entry in file.Entries)
        {
            Assert.AreEqual(expected[entry.Name].dtype, entry.Type, entry.Name);
            CollectionAssert.AreEqual(expected[entry.Name].shape, entry.Shape, entry.Name);
            var read = zeros(entry.Shape);
            file.Read(entry, read);
            CollectionAssert.AreEqual(expected[entry.Name].Values(), read.Values(), entry.Name);
        }
        Assert.IsTrue(file.Entries.Any(entry => entry is { Type: ScalarType.Int64, Shape: [] }), "the counter is a scalar");
    }

    [TestMethod]
    public void AFileThatIsCutOffOrGoesOnIsRefusedWithTheReason()
    {
        var whole = Sample();
        StringAssert.Contains(Refusal(whole[..^1]), "or it is damaged: after ");
        StringAssert.Contains(Refusal(whole[..^1]), "does not fit into the rest of the file");
        StringAssert.Contains(Refusal([.. whole, 0]), "1 bytes follow its last tensor");

        static string Refusal(byte[] content) =>
            Assert.ThrowsExactly<InvalidDataException>(() => HostileFilesTests.Open(content).Dispose()).Message;
    }

    // The count comes first, seven bits a byte: 123 is a brace, 128 and 256 begin as a pickle does.
    [TestMethod]
    [DataRow(123)]
    [DataRow(128)]
    [DataRow(256)]
    public void ACountOfTensorsThatLooksLikeAnotherFormatIsACount(int count)
    {
        using var module = new Many(count);
        using var file = HostileFilesTests.Open(Saved(module));
        Assert.HasCount(count, file.Entries);
    }

    internal static byte[] Sample()
    {
        using var module = new Buffers();
        return Saved(module);
    }

    private static byte[] Saved(nn.Module module)
    {
        using var stream = new MemoryStream();
        module.save(stream);
        return stream.ToArray();
    }

    private sealed class Many : nn.Module
    {
        public Many(int count)
            : base(nameof(Many))
        {
            for (var i = 0; i < count; i++)
                register_buffer($"b{i}", ones(1));
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                foreach (var (_, buffer) in named_buffers())
                    buffer.Dispose();
            }
            base.Dispose(disposing);
        }
    }

    // Buffers alone: TorchSharp's own layers hold parameters that it counts for ever.
    private sealed class Buffers : nn.Module
    {
        public Buffers()
            : base(nameof(Buffers))
        {
            register_buffer("empty", zeros(0, 2));
            register_buffer("counter", tensor(7L));
            register_buffer("weight", tensor(new[] { 0.5f, -1, 2, 3.25f, 4, 5 }, [2, 3]));
            register_buffer("half", arange(3, ScalarType.Float16));
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                foreach (var (_, buffer) in named_buffers())
                    buffer.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
