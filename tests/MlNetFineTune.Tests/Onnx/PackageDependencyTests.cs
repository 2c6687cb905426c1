using System.IO.Compression;
using System.Xml.Linq;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>The dependencies of the package MlNetFineTune.Onnx, read from the package.</summary>
[TestClass]
public sealed class PackageDependencyTests
{
    [TestMethod]
    public void TheCoreIsRequiredInExactlyTheSameVersion()
    {
        using var folder = new Folder();
        var project = Path.Combine(Repository.Root, "src", "MlNetFineTune.Onnx", "MlNetFineTune.Onnx.csproj");
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name; // bin/Release/net10.0

        DotNet.Run("pack", project, "--no-build", "-c", configuration, "-o", folder.File("packages"), "-nodeReuse:false");

        var nuspec = NuspecOf(Directory.GetFiles(folder.File("packages"), "MlNetFineTune.Onnx.*.nupkg").Single());
        XNamespace xml = nuspec.Root!.Name.Namespace;
        var version = nuspec.Descendants(xml + "version").Single().Value;
        var dependencies = nuspec.Descendants(xml + "dependency").ToDictionary(
            dependency => dependency.Attribute("id")!.Value, dependency => dependency.Attribute("version")!.Value);
        Assert.AreEqual($"[{version}]", dependencies["MlNetFineTune"], "another version of the core may have other internals");
        Assert.DoesNotStartWith("[", dependencies["Google.Protobuf"], "packages of others stay open to later versions");
        Assert.IsFalse(dependencies.ContainsKey("Grpc.Tools"), "the compiler of onnx.proto is of the build alone");
    }

    private static XDocument NuspecOf(string package)
    {
        using var zip = ZipFile.OpenRead(package);
        using var stream = zip.Entries.Single(entry => entry.Name.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream);
    }
}
