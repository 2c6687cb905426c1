using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightSources;

namespace MlNetFineTune.Tests.WeightFiles;

[TestClass]
public sealed class AtomicFileTests
{
    [TestMethod]
    public void AMissingFolderIsNamedAndNotTheFileBeside()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"no-{Guid.NewGuid():N}");

        var error = Assert.ThrowsExactly<DirectoryNotFoundException>(
            () => AtomicFile.Write(Path.Combine(folder, "model.zip"), _ => Assert.Fail("nothing is written")));

        Assert.AreEqual($"'model.zip' cannot be written: there is no folder '{folder}'.", error.Message);
    }

    [TestMethod]
    public void AWriteThatFailsLeavesTheEarlierFileAndNothingBeside()
    {
        var folder = Directory.CreateTempSubdirectory("atomic-").FullName;
        try
        {
            var path = Path.Combine(folder, "model.zip");
            File.WriteAllText(path, "earlier");

            Assert.ThrowsExactly<InvalidDataException>(() => AtomicFile.Write(path, stream =>
            {
                stream.WriteByte(1);
                throw new InvalidDataException();
            }));

            Assert.AreEqual("earlier", File.ReadAllText(path));
            Assert.HasCount(1, Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void OfSeveralNewFilesOfTheSameNameOneIsWritten()
    {
        const int Writers = 4, Rounds = 200;
        var folder = Directory.CreateTempSubdirectory("atomic-").FullName;
        try
        {
            using var start = new Barrier(Writers);
            var written = new int[Rounds];
            var threads = Enumerable.Range(0, Writers).Select(writer => new Thread(() =>
            {
                for (var round = 0; round < Rounds; round++)
                {
                    using var stream = new FileStream(Path.Combine(folder, $"{writer}.tmp"), FileMode.Create);
                    stream.WriteByte((byte)writer);
                    stream.Flush(flushToDisk: true);
                    start.SignalAndWait();
                    try
                    {
                        AtomicFile.Complete(stream, Path.Combine(folder, $"{round}.json"), overwrite: false);
                        Interlocked.Increment(ref written[round]);
                    }
                    catch (IOException)
                    {
                    }
                }
            })).ToList();
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());

            Assert.IsTrue(written.All(count => count == 1), string.Join(' ', written));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Who renames a file by himself forgets to have it on the disk before: a power cut then leaves an empty file under its
    /// name.</summary>
    [TestMethod]
    public void NobodyElseRenamesFiles()
    {
        var libraries = new[] { typeof(AtomicFile).Assembly, typeof(Microsoft.ML.FineTuningOnnxExtensions).Assembly };
        var renaming = Calls.MethodsOf(libraries.SelectMany(library => library.GetTypes()))
            .Where(method => Calls.Of(method)
            .Any(called => (called.DeclaringType == typeof(File) || called.DeclaringType == typeof(FileInfo))
                && called.Name is ("Move" or "MoveTo" or "Replace")))
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}").ToArray();

        // A finished download is on the disk before (PartialFile.CloseForGood): its part outlives a process, and so is no file of
        // AtomicFile's.
        CollectionAssert.AreEquivalent(new[] { "AtomicFile.Complete", "CachedFile.Complete" }, renaming);
    }
}
