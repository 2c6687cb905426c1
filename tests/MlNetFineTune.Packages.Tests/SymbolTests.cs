using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.Json;
using MlNetFineTune.Packages.Tests.Support;

namespace MlNetFineTune.Packages.Tests;

/// <summary>What a debugger finds.</summary>
[TestClass]
public sealed class SymbolTests
{
    // Portable PDB, "Embedded Source".
    private static readonly Guid s_embeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

    [TestMethod]
    public void TheSymbolsAreThoseOfTheAssemblyAndContainTheSources()
    {
        foreach (var package in Packed.All)
        {
            foreach (var assembly in package.Files.Where(file => file.EndsWith(".dll", StringComparison.Ordinal)))
            {
                using var image = new PEReader(new MemoryStream(package.Read(assembly)));
                var entry = image.ReadDebugDirectory().Single(entry => entry.Type == DebugDirectoryEntryType.CodeView);
                using var provider = MetadataReaderProvider.FromPortablePdbStream(
                    new MemoryStream(package.ReadSymbols(Path.ChangeExtension(assembly, ".pdb"))));
                var symbols = provider.GetMetadataReader();

                var id = new BlobContentId(symbols.DebugMetadataHeader!.Id);
                Assert.AreEqual(image.ReadCodeViewDebugDirectoryData(entry).Guid, id.Guid, assembly);
                Assert.IsTrue(image.ReadDebugDirectory().Any(found => found.Type == DebugDirectoryEntryType.Reproducible), assembly);
                Assert.IsNotEmpty(symbols.Documents, assembly);
                foreach (var document in symbols.Documents)
                {
                    Assert.IsTrue(symbols.GetCustomDebugInformation(document)
                        .Any(info => symbols.GetGuid(symbols.GetCustomDebugInformation(info).Kind) == s_embeddedSource),
                        $"{assembly}: {symbols.GetString(symbols.GetDocument(document).Name)}");
                }
            }
        }
    }

    [TestMethod]
    public void NoPathOfThisMachineIsInAReleaseBuild()
    {
        if (Packed.Configuration != "Release")
            Assert.Inconclusive("A debug build names the files where they are, for debuggers.");

        var home = Repository.Root.Replace('\\', '/');
        foreach (var package in Packed.All)
        {
            foreach (var assembly in package.Files.Where(file => file.EndsWith(".dll", StringComparison.Ordinal)))
            {
                using var provider = MetadataReaderProvider.FromPortablePdbStream(
                    new MemoryStream(package.ReadSymbols(Path.ChangeExtension(assembly, ".pdb"))));
                var symbols = provider.GetMetadataReader();
                foreach (var document in symbols.Documents.Select(document => symbols.GetString(symbols.GetDocument(document).Name)))
                    Assert.StartsWith("/_/", document.Replace('\\', '/'), assembly);
                Assert.IsLessThan(0, package.Read(assembly).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(home)), assembly);
            }
        }
    }

    /// <summary>Where the address of the repository is given, a debugger fetches the commit's sources there.</summary>
    [TestMethod]
    public void SourceLinkNamesTheCommitAtTheGivenAddress()
    {
        using var folder = new Folder();
        var commit = Packed.Named("MlNetFineTune").Element("repository").Attribute("commit")!.Value;

        Command.RunDotNet(Repository.Root, "msbuild", "src/MlNetFineTune.Extensions.AI/MlNetFineTune.Extensions.AI.csproj",
            "-t:GenerateSourceLinkFile", "-nodeReuse:false", "-v:quiet", "-nologo", $"-p:Configuration={Packed.Configuration}",
            "-p:TargetFramework=net10.0", $"-p:RepositoryUrl={Packed.RepositoryUrl}", $"-p:IntermediateOutputPath={folder.Path}/");

        using var links = JsonDocument.Parse(File.ReadAllText(folder.File("MlNetFineTune.Extensions.AI.sourcelink.json")));
        var link = links.RootElement.GetProperty("documents").EnumerateObject().Single();
        Assert.EndsWith("*", link.Name);
        Assert.AreEqual($"https://raw.githubusercontent.com/example/mlnetfinetune/{commit}/*", link.Value.GetString());
    }
}
