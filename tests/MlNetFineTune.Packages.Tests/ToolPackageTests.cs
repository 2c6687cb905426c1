using System.Diagnostics;
using System.Xml.Linq;
using MlNetFineTune.Packages.Tests.Support;

namespace MlNetFineTune.Packages.Tests;

/// <summary>The command line as a .NET tool: packed as docs/command-line.md says, installed from the folder, and used.</summary>
[TestClass]
public sealed class ToolPackageTests
{
    private const string Id = "MlNetFineTune.Tool";

    private static readonly string s_project = Path.Combine(Repository.Root, "src", Id);

    [TestMethod]
    public void TheToolIsPackedInstalledAndUsed()
    {
        using var folder = new Folder();
        var packages = folder.File("packages");
        Pack(folder, packages);
        Pack(folder, packages, "-r", Fresh.RuntimeIdentifier);

        var small = new Package(Path.Combine(packages, $"{Id}.{Packed.Version}.nupkg"));
        Assert.IsLessThan(100_000, new FileInfo(small.Path).Length, "the package that names the others has no libtorch");
        var settings = XDocument.Load(new MemoryStream(small.Read("tools/any/any/DotnetToolSettings.xml")));
        Assert.AreEqual("finetune", settings.Descendants("Command").Single().Attribute("Name")?.Value);
        CollectionAssert.AreEquivalent(
            new[] { "linux-x64", "win-x64", "osx-arm64" },
            settings.Descendants("RuntimeIdentifierPackage").Select(named => named.Attribute("RuntimeIdentifier")!.Value).ToArray());

        var tool = folder.File("tool");
        File.WriteAllText(folder.File("nuget.config"), new XElement("configuration",
            new XElement("packageSources",
                new XElement("clear"),
                new XElement("add", new XAttribute("key", "packed"), new XAttribute("value", packages)))).ToString());
        Run(folder, Command.Sdk(folder.Path, "tool", "install", Id, "--version", Packed.Version, "--tool-path", tool));
        var finetune = Path.Combine(tool, OperatingSystem.IsWindows() ? "finetune.exe" : "finetune");

        Bitmaps.Write(folder.File("train"), count: 12, seed: 1);
        Bitmaps.Write(folder.File("test"), count: 4, seed: 2);
        var weights = Path.Combine(Repository.Root, "samples", "QuickStart", "Assets", "micro.safetensors");
        Finetune("train", "train", "--backbone", "micro", "--weights", weights, "--epochs", "4", "-o", "stripes.zip");
        var photo = Directory.GetFiles(folder.File("test/across")).Order(StringComparer.Ordinal).First();
        Assert.Contains("across", Finetune("predict", "stripes.zip", photo));
        Finetune("export", "stripes.zip", "stripes.onnx");
        Assert.IsGreaterThan(100_000, new FileInfo(folder.File("stripes.onnx")).Length);

        string Finetune(params string[] arguments) =>
            Run(folder, new ProcessStartInfo(finetune, arguments) { WorkingDirectory = folder.Path });
    }

    [TestMethod]
    public void ASystemWithoutLibTorchIsRefusedByName()
    {
        using var folder = new Folder();
        var start = Command.Sdk(Repository.Root, PackArguments(folder, folder.File("packages"), "-r", "linux-arm64"));
        using var process = Command.Start(start, out var output);
        process.WaitForExit();

        Assert.AreNotEqual(0, process.ExitCode);
        Assert.Contains("MNFT003", Command.Text(output));
        Assert.Contains("linux-arm64", Command.Text(output));
    }

    // All that is built for it lies in a folder of the test: the repository's own builds stay as they are.
    private static void Pack(Folder folder, string packages, params string[] arguments) =>
        Command.RunDotNet(Repository.Root, PackArguments(folder, packages, arguments));

    private static IEnumerable<string> PackArguments(Folder folder, string packages, params string[] arguments) =>
    [
        "pack", s_project, "-c", "Release", "-o", packages, "--artifacts-path", folder.File("artifacts"), "-nodeReuse:false", "-v:quiet",
        $"-p:Version={Packed.Version}", "-p:UseSharedCompilation=false", .. arguments,
    ];

    // The SDK keeps installed packages; in the folder of the test they are deleted with it.
    private static string Run(Folder folder, ProcessStartInfo start)
    {
        start.Environment["NUGET_PACKAGES"] = folder.File("kept");
        start.Environment["DOTNET_CLI_HOME"] = folder.File("home");
        start.Environment["DOTNET_ROOT"] = Path.GetDirectoryName(Command.DotNet);
        return Command.Run(start);
    }
}
