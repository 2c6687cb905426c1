using System.Security.Cryptography;
using System.Text;

namespace MlNetFineTune.Tests.Support;

/// <summary>A model hub on loopback: one repository, whose large files are stored under another host's name,
/// as the real one does it.</summary>
internal sealed class FakeHub : IDisposable
{
    public const string Repository = "timm/micro.test_in1k";

    public static readonly string FirstCommit = new('1', 40);
    public static readonly string SecondCommit = new('2', 40);

    private readonly LoopbackServer _server;

    public FakeHub() => _server = new LoopbackServer(Answer);

    /// <summary>What the branch <c>main</c> stands for.</summary>
    public string Head { get; set; } = FirstCommit;

    /// <summary>By name; the same in every commit.</summary>
    public Dictionary<string, byte[]> Files { get; } = [];

    /// <summary>What the other host sends instead.</summary>
    public Func<Asked, byte[], Answer> Store
    {
        get; set;
    } = (asked, content) => Support.Answer.File(asked, content, "\"of the store\"", ("X-Linked-Etag", $"\"{new string('0', 64)}\""));

    /// <summary>What the hub itself answers to everything, if anything.</summary>
    public Func<Asked, Answer?> Instead { get; set; } = _ => null;

    public IReadOnlyList<Asked> Requests => _server.Requests;

    public PretrainedWeights.Cache Cache(string folder) =>
        new() { Folder = folder, IsOffline = false, HubEndpoint = new Uri(_server.Address), Time = new InstantTime() };

    public void Add(string name, string text) => Files[name] = Encoding.UTF8.GetBytes(text);

    public static string Config(string architecture = "micro", string inputSize = "[3, 64, 64]") => $$"""
        {
          "architecture": "{{architecture}}", "num_classes": 1000,
          "pretrained_cfg": {
            "tag": "test_in1k", "input_size": {{inputSize}}, "fixed_input_size": false, "interpolation": "bicubic", "crop_pct": 0.9,
            "crop_mode": "center", "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3], "pool_size": [2, 2], "first_conv": "conv1"
          }
        }
        """;

    public void Dispose() => _server.Dispose();

    private Answer Answer(Asked asked)
    {
        if (asked.Path.StartsWith("/store/", StringComparison.Ordinal))
            return Store(asked, Files[asked.Path["/store/".Length..].Split('?')[0]]);
        if (Instead(asked) is { } answer)
            return answer;
        var parts = asked.Path[1..].Split('/');
        if (parts.Length < 5 || $"{parts[0]}/{parts[1]}" != Repository || parts[2] != "resolve")
            return Support.Answer.Of(401, ("X-Error-Code", "RepoNotFound"));
        var commit = parts[3] == "main" ? Head : parts[3];
        var name = string.Join('/', parts[4..]);
        if (!Files.TryGetValue(name, out var content))
            return Support.Answer.Of(404, ("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", commit));
        return name == "config.json"
            ? Support.Answer.File(asked, content, "\"" + new string('c', 40) + "\"", ("X-Repo-Commit", commit))
            : Support.Answer.Of(302, ("X-Repo-Commit", commit), ("Location", $"{_server.OtherHost}store/{name}?signature=secret"),
                ("X-Linked-Etag", $"\"{Convert.ToHexStringLower(SHA256.HashData(content))}\""), ("X-Linked-Size", $"{content.Length}"));
    }
}
