using System.Buffers.Binary;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Primitives;

/// <summary>Values of any length are found by key, and no file is believed that points outside of itself.</summary>
[TestClass]
public sealed class KeyedFileTests : IDisposable
{
    private static readonly KeyedFileForm s_form = new("MNFTTEST", "values", ".values", ContentHash.Of([9]));

    private readonly Folder _folder = new();
    private readonly List<string> _warnings = [];

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void ValuesOfAnyLengthAreFound()
    {
        byte[][] values = [[1, 2, 3], [], [.. Enumerable.Range(0, 5000).Select(i => (byte)i)]];
        Write(values);
        using var folder = new KeyedFolder(_folder.Path, s_form, _warnings.Add);
        foreach (var (i, value) in values.Index())
        {
            Assert.IsTrue(folder.TryGet(Key(i), out var found));
            CollectionAssert.AreEqual(value, found.ToArray());
        }
        Assert.IsFalse(folder.TryGet(Key(3), out _));
        Assert.IsEmpty(_warnings);
    }

    [TestMethod]
    public void OneDamagedValueIsForgottenWithAWarningAndTheOthersAreFound()
    {
        var path = Write([1, 2, 3], [4, 5, 6], [7]);
        var bytes = File.ReadAllBytes(path);
        bytes[KeyedFileForm.HeaderSize + 4] ^= 1;
        File.WriteAllBytes(path, bytes);
        using var folder = new KeyedFolder(_folder.Path, s_form, _warnings.Add);

        Assert.IsTrue(folder.TryGet(Key(0), out _) && folder.TryGet(Key(2), out _));
        Assert.IsTrue(folder.HasKey(Key(1)));
        Assert.IsFalse(folder.TryGet(Key(1), out _) || folder.TryGet(Key(1), out _));
        Assert.AreEqual(
            $"The cache has damaged values in '{path}' (number 1: its checksum is wrong), which are computed again.", _warnings.Single());

        Write(from: 1, [4, 5, 6]);
        folder.OpenNew();
        Assert.IsTrue(folder.TryGet(Key(1), out var mended) && mended.SequenceEqual((byte[])[4, 5, 6]));
    }

    [TestMethod]
    [DataRow(KeyedFileForm.HeaderSize - 1, 1L)]
    [DataRow(KeyedFileForm.HeaderSize, 4L)]
    [DataRow(KeyedFileForm.HeaderSize + 3, 1L)]
    [DataRow(KeyedFileForm.HeaderSize, -1L)]
    [DataRow(-8L, 3L)]
    [DataRow(long.MaxValue, 3L)]
    [DataRow(long.MaxValue, long.MaxValue)]
    [DataRow(KeyedFileForm.HeaderSize, long.MaxValue)]
    [DataRow(KeyedFileForm.HeaderSize, long.MinValue)]
    public void ASignedIndexThatPointsOutsideIsNotBelieved(long offset, long length)
    {
        var path = Write([1, 2, 3]);
        var bytes = File.ReadAllBytes(path);
        var index = bytes.AsSpan(KeyedFileForm.HeaderSize + 3);
        BinaryPrimitives.WriteInt64LittleEndian(index[ContentHash.Size..], offset);
        BinaryPrimitives.WriteInt64LittleEndian(index[(ContentHash.Size + 8)..], length);
        s_form.Header(3, index).CopyTo(bytes.AsSpan());
        File.WriteAllBytes(path, bytes);

        using var folder = new KeyedFolder(_folder.Path, s_form, _warnings.Add);
        Assert.IsFalse(folder.TryGet(Key(0), out _));
        StringAssert.Contains(_warnings.Single(), "its index points outside of it. Delete the file.");
    }

    [TestMethod]
    [DataRow(false, DisplayName = "its length is late")]
    [DataRow(true, DisplayName = "its content is late")]
    public void AFileThatComesLateIsTriedAgain(bool hasLength)
    {
        using var folder = new KeyedFolder(_folder.Path, s_form, _warnings.Add);
        var path = Write([1, 2, 3]);
        var whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, hasLength ? new byte[whole.Length] : whole[..^10]);
        folder.OpenNew();
        Assert.IsFalse(folder.TryGet(Key(0), out _));
        File.WriteAllBytes(path, whole);
        folder.OpenNew();
        Assert.IsTrue(folder.TryGet(Key(0), out _));
        Assert.IsEmpty(_warnings);
    }

    [TestMethod]
    public void AFileThatFailsAgainAtTheSameLengthIsGivenUpWithOneWarning()
    {
        using var folder = new KeyedFolder(_folder.Path, s_form, _warnings.Add);
        var path = Write([1, 2, 3]);
        var whole = File.ReadAllBytes(path);
        foreach (var missing in (int[])[20, 10, 10, 10])
        {
            Assert.IsEmpty(_warnings, $"{missing} bytes are missing");
            File.WriteAllBytes(path, whole[..^missing]);
            folder.OpenNew();
            if (_warnings.Count > 0)
                break;
        }
        StringAssert.Contains(_warnings.Single(), $"cannot use '{path}'");
        File.WriteAllBytes(path, whole);
        folder.OpenNew();
        Assert.IsFalse(folder.TryGet(Key(0), out _));
        Assert.HasCount(1, _warnings);
    }

    [TestMethod]
    public void AFileOfAnotherOwnerIsNotTaken()
    {
        Write([1, 2, 3]);
        using var folder = new KeyedFolder(_folder.Path, s_form with { Owner = ContentHash.Of([8]) }, _warnings.Add);
        Assert.IsFalse(folder.TryGet(Key(0), out _));
        StringAssert.Contains(_warnings.Single(), "do not fit each other");
    }

    private static ContentHash Key(int value) => ContentHash.Of([(byte)value]);

    private string Write(params byte[][] values) => Write(from: 0, values);

    private string Write(int from, params byte[][] values)
    {
        using var writer = new KeyedFileWriter(_folder.Path, s_form);
        foreach (var (i, value) in values.Index())
        {
            writer.Put(Key(from + i), value, KeyedFileForm.Checksum(value));
            CollectionAssert.AreEqual(value, writer.Get(Key(from + i)));
        }
        Assert.AreEqual((values.Length, values.Sum(value => value.Length)), (writer.Count, (int)writer.Bytes));
        return writer.Complete();
    }
}
