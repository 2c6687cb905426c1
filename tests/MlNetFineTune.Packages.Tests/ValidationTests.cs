using System.IO.Compression;
using System.Reflection;
using System.Reflection.Emit;
using MlNetFineTune.Packages.Tests.Support;

namespace MlNetFineTune.Packages.Tests;

/// <summary>Packing compares the public API with that of an earlier version (docs/packages.md).</summary>
[TestClass]
public sealed class ValidationTests
{
    private const string Id = "MlNetFineTune.Extensions.AI";

    [TestMethod]
    public void AnEarlierVersionWithTheSamePublicApiIsAccepted()
    {
        using var folder = new Folder();
        Pack(folder, Packed.Named(Id).Path);
        Assert.HasCount(1, Directory.GetFiles(folder.Path, $"{Id}.*.nupkg"));
    }

    [TestMethod]
    public void APublicTypeOfTheEarlierVersionThatIsGoneIsAnError()
    {
        using var folder = new Folder();
        var earlier = folder.File("earlier.nupkg");
        File.Copy(Packed.Named(Id).Path, earlier);
        using (var zip = ZipFile.Open(earlier, ZipArchiveMode.Update))
        {
            foreach (var assembly in zip.Entries.Where(entry => entry.Name == $"{Id}.dll").ToList())
            {
                var name = assembly.FullName;
                assembly.Delete();
                using var stream = zip.CreateEntry(name).Open();
                WithAnotherType().CopyTo(stream);
            }
        }

        var failure = Assert.ThrowsExactly<AssertFailedException>(() => Pack(folder, earlier));
        Assert.Contains("CP0001", failure.Message);
        Assert.Contains("MlNetFineTune.TypeOfTheEarlierVersion", failure.Message);
    }

    private static void Pack(Folder folder, string baseline) => Command.RunDotNet(
        Repository.Root, "msbuild", $"src/{Id}/{Id}.csproj", "-t:Pack", "-nodeReuse:false", "-v:quiet", "-nologo", "-p:NoBuild=true",
        $"-p:Configuration={Packed.Configuration}", $"-p:VersionSuffix=validated.{Guid.NewGuid():N}",
        $"-p:PackageOutputPath={folder.Path}", $"-p:PackageValidationBaselinePath={baseline}", $"-p:{Packed.ValidatedAnew(folder)}");

    // An assembly of that name with one public type.
    private static MemoryStream WithAnotherType()
    {
        var assembly = new PersistedAssemblyBuilder(new AssemblyName(Id) { Version = new Version(1, 0, 0, 0) }, typeof(object).Assembly);
        assembly.DefineDynamicModule(Id).DefineType("MlNetFineTune.TypeOfTheEarlierVersion", TypeAttributes.Public).CreateType();
        var image = new MemoryStream();
        assembly.Save(image);
        image.Position = 0;
        return image;
    }
}
