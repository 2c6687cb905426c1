using System.IO.Compression;
using System.Xml.Linq;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>The dependencies of the packages beside the core, read from the packages.</summary>
[TestClass]
public sealed class PackageDependencyTests
{
    [TestMethod]
    [DataRow("MlNetFineTune.Onnx")]
    [DataRow("MlNetFineTune.Distributed")]
    public void TheCoreIsRequiredInExactlyTheSameVersion(string name)
    {
        var (version, dependencies) = Pack(name);

        Assert.AreEqual($"[{version}]", dependencies["MlNetFineTune"], "another version of the core may have other internals");
        if (dependencies.TryGetValue("Google.Protobuf", out var protobuf))
            Assert.DoesNotStartWith("[", protobuf, "packages of others stay open to later versions");
        Assert.IsFalse(dependencies.ContainsKey("Grpc.Tools"), "the compiler of onnx.proto is of the build alone");
    }

    private static (string Version, Dictionary<string, string> Dependencies) Pack(string name)
    {
        using var folder = new Folder();
        var project = Path.Combine(Repository.Root, "src", name, $"{name}.csproj");
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name; // bin/Release/net10.0

        DotNet.Run("pack", project, "--no-build", "-c", configuration, "-o", folder.File("packages"), "-nodeReuse:false");

        var nuspec = NuspecOf(Directory.GetFiles(folder.File("packages"), $"{name}.*.nupkg").Single());
        XNamespace xml = nuspec.Root!.Name.Namespace;
        return (nuspec.Descendants(xml + "version").Single().Value, nuspec.Descendants(xml + "dependency").ToDictionary(
            dependency => dependency.Attribute("id")!.Value, dependency => dependency.Attribute("version")!.Value));
    }

    private static XDocument NuspecOf(string package)
    {
        using var zip = ZipFile.OpenRead(package);
        using var stream = zip.Entries.Single(entry => entry.Name.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream);
    }
}
