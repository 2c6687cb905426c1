using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace MlNetFineTune.Packages.Tests.Support;

/// <summary>
/// Projects outside the repository that install the packed packages, restored and built once for all tests. Packages of others come from
/// the machine's package folder, if they are there: half a gigabyte is neither downloaded nor copied.
/// </summary>
internal static partial class Fresh
{
    private static readonly Lazy<Folder> s_folder = new(Create);
    private static readonly Lazy<bool> s_built = new(Build);

    public static string RuntimeIdentifier { get; } =
        OperatingSystem.IsWindows() ? "win-x64" : OperatingSystem.IsMacOS() ? "osx-arm64" : "linux-x64";

    public static string Root => s_folder.Value.Path;

    public static string Weights => s_folder.Value.File("micro.safetensors");

    public static string Pictures => s_folder.Value.File("pictures");

    /// <summary>Publishes the console program into a folder, whose path it returns.</summary>
    public static string Publish(string framework, params IEnumerable<string> arguments)
    {
        _ = s_built.Value;
        var output = Path.Combine(Root, "published", Guid.NewGuid().ToString("N"));
        RunDotNet([
            "publish", Path.Combine("Console", "Console.csproj"), "-c", "Release", "-f", framework, "-o", output, "-nodeReuse:false",
            "-v:quiet", .. arguments]);
        return output;
    }

    /// <summary>The assembly that the build made of a project; it runs with <c>dotnet</c>.</summary>
    public static string Built(string project)
    {
        _ = s_built.Value;
        return Path.Combine(Root, project, "bin", "Release", "net10.0", $"{project}.dll");
    }

    /// <summary>What a command of the SDK prints, run beside the projects, with packages of this run.</summary>
    public static string RunDotNet(params IEnumerable<string> arguments)
    {
        var start = Command.Sdk(Root, arguments);
        start.Environment["NUGET_PACKAGES"] = s_folder.Value.File("packages");
        start.Environment["XDG_DATA_HOME"] = s_folder.Value.File("data"); // where programs of one file are built
        return Command.Run(start);
    }

    /// <summary>The program of the package's page, with the versions, network and pictures of these tests.</summary>
    public static string Script()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "src", "MlNetFineTune", "README.md")).ReplaceLineEndings("\n");
        var program = CodeBlocks().Match(page).Groups["code"].Value;
        foreach (var (shown, used) in ((string, string)[])[
            ("#:package MlNetFineTune@*", $"#:package MlNetFineTune@{Packed.Version}"),
            ("#:package MlNetFineTune.Onnx@*", $"#:package MlNetFineTune.Onnx@{Packed.Version}"),
            ("libtorch-cpu-linux-x64@", $"{LibTorchPackage}@"),
            ("Backbone.MobileNetV2.WithWeights(\"mobilenetv2_100.safetensors\")", "Backbone.Micro.WithWeights(\"micro.safetensors\")"),
            ("\"photos/train\"", "\"pictures/train\""),
            ("\"photos/test\"", "\"pictures/test\"")])
        {
            Assert.HasCount(2, program.Split(shown), $"The program of the README has '{shown}' once:\n{program}");
            program = program.Replace(shown, used, StringComparison.Ordinal);
        }
        var path = Path.Combine(Root, "photos.cs");
        File.WriteAllText(path, program);
        return path;
    }

    public static void Delete()
    {
        if (s_folder.IsValueCreated)
            s_folder.Value.Dispose();
    }

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    public static partial Regex CodeBlocks();

    private static string LibTorchPackage => $"libtorch-cpu-{RuntimeIdentifier}";

    private static Folder Create()
    {
        var folder = new Folder();
        foreach (var source in Directory.GetFiles(Sources, "*", SearchOption.AllDirectories))
        {
            var target = folder.File(Path.GetRelativePath(Sources, source));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(source, target);
        }
        File.Copy(Path.Combine(Repository.Root, "samples", "QuickStart", "Assets", "micro.safetensors"), folder.File("micro.safetensors"));
        Bitmaps.Write(folder.File("pictures/train"), count: 12, seed: 1);
        Bitmaps.Write(folder.File("pictures/test"), count: 4, seed: 2);

        // Our packages go into a folder of this run; those that the machine's folder has are used from there.
        new XElement("configuration",
            new XElement("packageSources", Add("packed", Packed.Folder)),
            new XElement("fallbackPackageFolders", Add("machine", MachinesPackages(folder)))).Save(folder.File("nuget.config"));
        // What a user's project says by itself, and what keeps half a gigabyte of native libraries from being copied for each program.
        new XElement("Project", new XElement("PropertyGroup",
            new XElement("MlNetFineTuneVersion", Packed.Version),
            new XElement("LibTorchPackage", LibTorchPackage),
            new XElement("LibTorchVersion", Metadata("LibTorchVersion")),
            new XElement("CreateHardLinksForCopyLocalIfPossible", "true"),
            new XElement("CreateHardLinksForPublishFilesIfPossible", "true"),
            new XElement("UseSharedCompilation", "false"),
            new XElement("NuGetAudit", "false"))).Save(folder.File("Directory.Build.props"));
        new XElement("Solution", new[] { "Console/Console.csproj", "Web/Web.csproj", "FSharp/FSharp.fsproj" }
            .Select(project => new XElement("Project", new XAttribute("Path", project)))).Save(folder.File("Fresh.slnx"));
        return folder;
    }

    private static bool Build()
    {
        RunDotNet("build", "Fresh.slnx", "-c", "Release", "-nodeReuse:false", "-v:quiet");
        return true;
    }

    private static string Sources => Path.Combine(Repository.Root, "tests", "MlNetFineTune.Packages.Tests", "Fresh");

    private static string MachinesPackages(Folder folder)
    {
        var printed = Command.RunDotNet(folder.Path, "nuget", "locals", "global-packages", "--list");
        return GlobalPackages().Match(printed) is { Success: true } found ? found.Groups["path"].Value.Trim()
            : throw new AssertFailedException($"dotnet nuget locals printed: {printed}");
    }

    private static XElement Add(string key, string value) => new("add", new XAttribute("key", key), new XAttribute("value", value));

    private static string Metadata(string name) =>
        typeof(Fresh).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(found => found.Key == name).Value!;

    [GeneratedRegex(@"global-packages:(?<path>[^\n]+)")]
    private static partial Regex GlobalPackages();
}
