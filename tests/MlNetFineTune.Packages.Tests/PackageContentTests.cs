using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using MlNetFineTune.Packages.Tests.Support;

namespace MlNetFineTune.Packages.Tests;

/// <summary>What is in the packages, read from the packages.</summary>
[TestClass]
public sealed partial class PackageContentTests
{
    private static readonly string[] s_frameworks = ["net8.0", "net10.0"];

    [TestMethod]
    public void EveryLibraryIsAPackage()
    {
        var libraries = Packed.Projects.Select(Path.GetFileNameWithoutExtension).ToArray();

        CollectionAssert.IsSubsetOf(
            new[] { "MlNetFineTune", "MlNetFineTune.Distributed", "MlNetFineTune.Extensions.AI", "MlNetFineTune.Hosting",
                "MlNetFineTune.Onnx" }, libraries);
        CollectionAssert.AreEquivalent(libraries, Packed.All.Select(package => package.Id).ToArray());
    }

    [TestMethod]
    public void APackageSaysWhatItIsWhoseAndWhereFrom()
    {
        foreach (var package in Packed.All)
        {
            Assert.AreEqual(Packed.Version, package.Text("version"), package.Id);
            Assert.AreEqual("MIT", package.Text("license"), package.Id);
            Assert.AreEqual("expression", package.Element("license").Attribute("type")?.Value, package.Id);
            Assert.AreEqual("MlNetFineTune contributors", package.Text("authors"), package.Id);
            Assert.IsGreaterThan(40, package.Text("description").Length, package.Id);
            Assert.Contains("ML.NET", package.Text("tags").Split(' '), package.Id);
            Assert.AreEqual(Packed.RepositoryUrl, package.Text("projectUrl"), package.Id);
            var repository = package.Element("repository");
            Assert.AreEqual("git", repository.Attribute("type")?.Value, package.Id);
            Assert.AreEqual(Packed.RepositoryUrl, repository.Attribute("url")?.Value, package.Id);
            Assert.MatchesRegex("^[0-9a-f]{40}$", repository.Attribute("commit")?.Value, package.Id);
        }
    }

    [TestMethod]
    public void APackageHasItsOwnPageWithAnIcon()
    {
        foreach (var package in Packed.All)
        {
            var page = Encoding.UTF8.GetString(package.Read(package.Text("readme")));
            Assert.StartsWith($"# {package.Id}\n", page.ReplaceLineEndings("\n"));

            // Relative to the page of a package there is nothing.
            foreach (Match link in Links().Matches(page))
                Assert.StartsWith("https://", link.Groups["target"].Value, $"{package.Id}: {link.Value}");

            var icon = package.Read(package.Text("icon"));
            CollectionAssert.AreEqual(new byte[] { 0x89, (byte)'P', (byte)'N', (byte)'G' }, icon[..4], package.Id);
            Assert.AreEqual(128u, BinaryPrimitives.ReadUInt32BigEndian(icon.AsSpan(16)), package.Id); // IHDR: width, height
            Assert.AreEqual(128u, BinaryPrimitives.ReadUInt32BigEndian(icon.AsSpan(20)), package.Id);
            Assert.IsLessThan(20_000, icon.Length, package.Id);
        }
    }

    [TestMethod]
    public void TheReleaseNotesAreTheSectionOfTheChangelog()
    {
        var changelog = File.ReadAllText(Path.Combine(Repository.Root, "CHANGELOG.md")).ReplaceLineEndings("\n");
        var released = Packed.Version[..Packed.Version.IndexOf('-', StringComparison.Ordinal)];
        var heading = changelog.Contains($"\n## [{released}]", StringComparison.Ordinal) ? $"\n## [{released}]" : "\n## [Unreleased]";
        var section = changelog[(changelog.IndexOf(heading, StringComparison.Ordinal) + 1)..].Split("\n## ")[0];
        var expected = section[(section.IndexOf('\n', StringComparison.Ordinal) + 1)..].Trim();

        foreach (var package in Packed.All)
        {
            var notes = package.Text("releaseNotes").ReplaceLineEndings("\n");
            Assert.IsLessThan(35_000, notes.Length, "galleries take no more");
            if (expected.Length <= 30_000)
            {
                Assert.AreEqual(expected, notes, package.Id);
                continue;
            }
            const string Rest = "\n\nThe rest is in CHANGELOG.md in the package.";
            Assert.EndsWith(Rest, notes, package.Id);
            Assert.StartsWith(notes[..^Rest.Length] + "\n", expected, "the notes end with a whole line");
            Assert.AreEqual(changelog, Encoding.UTF8.GetString(package.Read("CHANGELOG.md")).ReplaceLineEndings("\n"));
        }
    }

    [TestMethod]
    public void OurPackagesAreNeededInExactlyTheSameVersion()
    {
        foreach (var package in Packed.All.Where(package => package.Id != "MlNetFineTune"))
        {
            foreach (var (framework, needed) in package.Dependencies)
            {
                Assert.IsTrue(needed.ContainsKey("MlNetFineTune"), $"{package.Id}, {framework}");
                foreach (var (id, version) in needed)
                {
                    if (Packed.All.Any(ours => ours.Id == id))
                        Assert.AreEqual($"[{Packed.Version}]", version, $"{package.Id} needs {id}, whose internals it uses");
                    else
                        Assert.DoesNotMatchRegex(@"^\[[^,]*\]$", version, $"{package.Id} needs {id}: it stays open to later versions");
                }
            }
        }
    }

    [TestMethod]
    public void NothingOfTheBuildAndNoNativeLibraryIsNeeded()
    {
        foreach (var package in Packed.All)
        {
            var needed = package.Dependencies.Values.SelectMany(group => group.Keys).Distinct().ToList();
            Assert.DoesNotContain("Grpc.Tools", needed, "the compiler of onnx.proto is of the build alone");
            Assert.IsEmpty(needed.Where(id => id.StartsWith("libtorch", StringComparison.Ordinal)
                || id.StartsWith("TorchSharp-", StringComparison.Ordinal) || id == "Microsoft.ML.OnnxRuntime"), package.Id);
            Assert.IsEmpty(package.Files.Where(file => file.StartsWith("runtimes/", StringComparison.Ordinal)), package.Id);
        }
    }

    [TestMethod]
    public void APackageHasAnAssemblyWithDocumentationForEachFramework()
    {
        foreach (var package in Packed.All)
        {
            var frameworks = package.Files.Where(file => file.StartsWith("lib/", StringComparison.Ordinal))
                .Select(file => file.Split('/')[1]).Distinct().ToList();
            CollectionAssert.AreEquivalent(s_frameworks, frameworks, package.Id);
            foreach (var framework in frameworks)
            {
                var documentation = XDocument.Load(new MemoryStream(package.Read($"lib/{framework}/{package.Id}.xml")));
                Assert.IsNotEmpty(documentation.Descendants("member"), package.Id);
                CollectionAssert.AreEqual(
                    new[] { $"lib/{framework}/{package.Id}.dll", $"lib/{framework}/{package.Id}.xml" },
                    package.Files.Where(file => file.StartsWith($"lib/{framework}/", StringComparison.Ordinal)).Order().ToArray());
            }
        }

        // What corrects TorchSharp's native library at build time, also for those who reference the package by way of another.
        CollectionAssert.IsSubsetOf(new[] { "build/MlNetFineTune.targets", "buildTransitive/MlNetFineTune.targets" },
            Packed.Named("MlNetFineTune").Files.ToArray());
    }

    [GeneratedRegex(@"\]\((?<target>[^)]+)\)")]
    private static partial Regex Links();
}
