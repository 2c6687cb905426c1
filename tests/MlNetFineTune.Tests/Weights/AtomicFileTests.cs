using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Tests.WeightFiles;

[TestClass]
public sealed class AtomicFileTests
{
    [TestMethod]
    public void AMissingFolderIsNamedAndNotTheFileBeside()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"no-{Guid.NewGuid():N}");

        var error = Assert.ThrowsExactly<DirectoryNotFoundException>(() => AtomicFile.Write(Path.Combine(folder, "model.zip"), _ => Assert.Fail("nothing is written")));

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
}
