using System.IO.Compression;
using System.Text;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.WeightFiles;
using MlNetFineTune.WeightFiles;
using MlNetFineTune.WeightSources;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Primitives;

/// <summary>
/// What files and servers call things, with the escape of terminals, line breaks and at length, in the messages about them.
/// </summary>
[TestClass]
public sealed class TextOfOthersTests
{
    private const string Odd = "\u001b[2J\n", Shown = @"\u001b[2J\n";

    [TestMethod]
    public void ATensorThatIsNotInTheNetwork()
    {
        using var target = zeros(1);
        foreach (var name in (string[])[Odd + "x", new string('x', 3000)])
        {
            using var file = HostileFilesTests.Open(SafeTensors(name));
            var message = Assert.ThrowsExactly<InvalidDataException>(
                () => StrictLoader.Load(file, [("w", target)], "net", _ => false)).Message;
            AssertHarmless(message.ReplaceLineEndings(""), name.StartsWith(Odd, StringComparison.Ordinal) ? Shown
                + "x [1]" : "xxx... (3000 characters) [1]");
        }
    }

    [TestMethod]
    public void AHubsConfigAndIndex()
    {
        var config = Encoding.UTF8.GetBytes("""{"model_type":"\u001b[2J\n"}""");
        AssertHarmless(Assert.ThrowsExactly<InvalidDataException>(() => HubConfig.Parse(config, "config.json")).Message,
            $"of another library's '{Shown}'");
        var index = Encoding.UTF8.GetBytes("""{"weight_map":{"\u001b[2J\n":"../x"}}""");
        AssertHarmless(Assert.ThrowsExactly<InvalidDataException>(() => ShardNames.Parse(index, "index.json")).Message,
            $"tensor '{Shown}' is said to be in '../x'");
        var twice = Encoding.UTF8.GetBytes("""{"weight_map":{"a":"a.safetensors","a":"b.safetensors"}}""");
        AssertHarmless(Assert.ThrowsExactly<InvalidDataException>(() => ShardNames.Parse(twice, "index.json")).Message,
            "is not proper JSON: ");
    }

    [TestMethod]
    public void AnEntryOfAZip()
    {
        using var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
            archive.CreateEntry(Odd).Open().Dispose();
        AssertHarmless(Assert.ThrowsExactly<InvalidDataException>(() => HostileFilesTests.Open(zip.ToArray()).Dispose()).Message,
            $"an entry of the name '{Shown}'");
    }

    [TestMethod]
    public void ARecipeInTheMetadata()
    {
        var metadata = new Dictionary<string, string> { ["interpolation"] = Odd + new string('x', 1 << 20) };
        AssertHarmless(Assert.ThrowsExactly<InvalidDataException>(() => Backbone.ResNet18.Recipe.With(metadata, "w.safetensors")).Message,
            $"interpolation = '{Shown}xxx");
    }

    private static void AssertHarmless(string message, string expected)
    {
        StringAssert.Contains(message, expected);
        Assert.IsFalse(message.Any(char.IsControl), message);
        Assert.IsLessThan(2000, message.Length);
    }

    private static byte[] SafeTensors(string name)
    {
        using var tensor = zeros(1);
        using var stream = new MemoryStream();
        SafeTensorsWriter.Write(stream, [(name, tensor)], new Dictionary<string, string>());
        return stream.ToArray();
    }
}
