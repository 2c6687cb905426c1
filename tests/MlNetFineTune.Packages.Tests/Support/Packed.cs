using System.IO.Compression;
using System.Xml.Linq;

namespace MlNetFineTune.Packages.Tests.Support;

/// <summary>The repository's packages, packed once for all tests from what the build made, in a version that no other run has.</summary>
internal static class Packed
{
    /// <summary>An address that <c>dotnet pack</c> is given, in place of the one that a release has.</summary>
    public const string RepositoryUrl = "https://github.com/example/mlnetfinetune";

    private static readonly Lazy<(Folder Folder, IReadOnlyList<Package> All)> s_packed = new(Pack);

    public static string Version { get; } = $"{Prefix()}-test.{Guid.NewGuid():N}";

    /// <summary>The projects of the packages. A tool is no library: <see cref="ToolPackageTests"/>.</summary>
    public static IReadOnlyList<string> Projects { get; } =
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Where(project => !File.ReadAllText(project).Contains("<PackAsTool>", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    public static string Folder => s_packed.Value.Folder.Path;

    public static IReadOnlyList<Package> All => s_packed.Value.All;

    public static Package Named(string id) => All.Single(package => package.Id == id);

    /// <summary>The configuration in which these tests, and so the libraries, are built.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name; // bin/Release/net10.0

    public static void Delete()
    {
        if (s_packed.IsValueCreated)
            s_packed.Value.Folder.Dispose();
    }

    private static (Folder, IReadOnlyList<Package>) Pack()
    {
        var folder = new Folder();
        File.WriteAllText(folder.File("Pack.proj"), new XElement("Project",
            new XElement("ItemGroup", Projects.Select(project => new XElement("Library", new XAttribute("Include", project),
                new XAttribute("AdditionalProperties", ValidatedAnew(folder))))),
            new XElement("Target", new XAttribute("Name", "Pack"),
                new XElement("MSBuild", new XAttribute("Projects", "@(Library)"), new XAttribute("Targets", "Pack")))).ToString());

        // In the repository's folder, whose global.json names the SDK.
        Command.RunDotNet(Repository.Root, "msbuild", folder.File("Pack.proj"), "-t:Pack", "-nodeReuse:false", "-v:quiet", "-nologo",
            $"-p:Configuration={Configuration}", "-p:NoBuild=true", $"-p:PackageOutputPath={folder.Path}",
            $"-p:VersionSuffix={Version[(Prefix().Length + 1)..]}", $"-p:RepositoryUrl={RepositoryUrl}");

        return (folder, [.. Directory.GetFiles(folder.Path, "*.nupkg").Order(StringComparer.Ordinal).Select(file => new Package(file))]);
    }

    /// <summary>The property by which packages are validated though nothing has changed since they were.</summary>
    public static string ValidatedAnew(Folder folder) =>
        $"_ApiCompatValidatePackageSemaphoreFile={folder.File($"{Guid.NewGuid():N}.validated")}";

    // From the one place that says it.
    private static string Prefix() =>
        XDocument.Load(Path.Combine(Repository.Root, "Directory.Build.props")).Descendants("VersionPrefix").Single().Value;
}

/// <summary>A packed package.</summary>
internal sealed class Package
{
    private readonly string _path;
    private readonly XElement _metadata;

    public Package(string path)
    {
        _path = path;
        using var zip = ZipFile.OpenRead(path);
        Files = [.. zip.Entries.Select(entry => entry.FullName)];
        using var nuspec = zip.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        _metadata = XDocument.Load(nuspec).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
    }

    public string Id => Text("id");

    public string Path => _path;

    public string SymbolsPath => System.IO.Path.ChangeExtension(_path, ".snupkg");

    public IReadOnlyList<string> Files { get; }

    /// <summary>Of each framework: the packages that it needs, with their versions.</summary>
    public IReadOnlyDictionary<string, Dictionary<string, string>> Dependencies => _metadata.Descendants()
        .Where(element => element.Name.LocalName == "group").ToDictionary(
            group => group.Attribute("targetFramework")!.Value,
            group => group.Elements().ToDictionary(needed => needed.Attribute("id")!.Value, needed => needed.Attribute("version")!.Value));

    public XElement Element(string name) => _metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)
        ?? throw new AssertFailedException($"{_path} has no <{name}> in its nuspec.");

    public string Text(string name) => Element(name).Value;

    public byte[] Read(string file) => Read(_path, file);

    public byte[] ReadSymbols(string file) => Read(SymbolsPath, file);

    private static byte[] Read(string path, string file)
    {
        using var zip = ZipFile.OpenRead(path);
        using var stream = (zip.GetEntry(file) ?? throw new AssertFailedException($"{path} has no file {file}.")).Open();
        using var contents = new MemoryStream();
        stream.CopyTo(contents);
        return contents.ToArray();
    }
}
