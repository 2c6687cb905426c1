using System.Diagnostics;
using System.Text.RegularExpressions;
using MlNetFineTune.Tests.Support;
using YamlDotNet.Serialization;

namespace MlNetFineTune.Tests.Sharding;

/// <summary>The manifests of samples/ScoreInShards fit its program and what the schedulers ask for.</summary>
[TestClass]
public sealed partial class ManifestTests
{
    private static readonly string s_sample = Path.Combine(Repository.Root, "samples", "ScoreInShards");

    [TestMethod]
    public void TheIndexedJobOfKubernetesStartsEachShard()
    {
        var job = Read("job.yaml");
        var spec = Map(job["spec"]);
        var pod = Map(Map(spec["template"])["spec"]);
        var container = Map(List(pod["containers"]).Single());
        var variables = List(container["env"]).Select(Map).ToDictionary(one => (string)one["name"], one => (string)one["value"]);

        Assert.AreEqual("batch/v1", job["apiVersion"]);
        Assert.AreEqual("Job", job["kind"]);
        Assert.AreEqual("Indexed", spec["completionMode"]);
        Assert.IsLessThanOrEqualTo(int.Parse((string)spec["completions"]), int.Parse((string)spec["parallelism"]));
        // Kubernetes gives the index; the number of shards is that of completions, and the program reads both.
        Assert.AreEqual(spec["completions"], variables["SHARD_COUNT"]);
        Assert.AreEqual(
            $"7/{spec["completions"]}", MlNetFineTune.Sharding.ShardEnvironment.Read(
                name => name == "JOB_COMPLETION_INDEX" ? "7" : variables.GetValueOrDefault(name), count: null)!.ToString());
        Assert.AreEqual("Never", pod["restartPolicy"]); // backoffLimitPerIndex allows no other
        Assert.IsTrue(spec.ContainsKey("backoffLimitPerIndex"));
        var rule = Map(List(Map(spec["podFailurePolicy"])["rules"]).Single()); // a drained node is no failure
        Assert.AreEqual("Ignore", rule["action"]);
        Assert.AreEqual("DisruptionTarget", Map(List(rule["onPodConditions"]).Single())["type"]);
        // libtorch would count the cores of the node.
        Assert.AreEqual(Map(Map(container["resources"])["limits"])["cpu"], variables["OMP_NUM_THREADS"]);
        VerifyContainer(pod, container);
    }

    [TestMethod]
    public void TheJobOfKubernetesThatMergesHasTheSameVolume()
    {
        var pod = Map(Map(Map(Read("merge.yaml")["spec"])["template"])["spec"]);
        var container = Map(List(pod["containers"]).Single());

        Assert.Contains("--merge", List(container["args"]));
        VerifyContainer(pod, container);
        Assert.AreEqual(Claim("job.yaml"), Claim("merge.yaml"));

        static object Claim(string name)
        {
            var spec = Map(Map(Map(Read(name)["spec"])["template"])["spec"]);
            return Map(Map(List(spec["volumes"]).Single())["persistentVolumeClaim"])["claimName"];
        }
    }

    [TestMethod]
    [DataRow("run.sh")]
    [DataRow("slurm/score.sbatch")]
    [DataRow("slurm/merge.sbatch")]
    public void TheScriptsAreValidAndUseOptionsOfTheProgram(string name)
    {
        if (OperatingSystem.IsWindows())
            Assert.Inconclusive("There is no bash.");
        var path = Path.Combine(s_sample, name);

        Assert.AreEqual((0, ""), Bash("-n", path));

        var text = string.Join('\n', File.ReadLines(path).Where(line => !line.TrimStart().StartsWith('#') && line.Contains("--folder")));
        VerifyOptions(Option().Matches(text).Select(match => match.Value));
    }

    [TestMethod]
    public void TheJobArrayOfSlurmStartsEachShard()
    {
        if (OperatingSystem.IsWindows())
            Assert.Inconclusive("There is no bash.");
        using var folder = new Folder();
        var script = File.ReadAllText(Path.Combine(s_sample, "slurm", "score.sbatch"));
        WriteProgram(folder.File("dotnet"), "echo \"$@\" $SHARD_COUNT $OMP_NUM_THREADS");

        var (code, output) = Bash("-c",
            $"PATH='{folder.Path}':$PATH SLURM_CPUS_PER_TASK=3 exec bash '{Path.Combine(s_sample, "slurm", "score.sbatch")}' /job");

        var array = ArrayRange().Match(script);
        Assert.AreEqual("0", array.Groups[1].Value);
        var shards = int.Parse(array.Groups[2].Value) + 1;
        Assert.AreEqual((0, $"ScoreInShards.dll --folder /job {shards} 3\n"), (code, output));
    }

    [TestMethod]
    public void SubmittingMergesAfterAllShards()
    {
        if (OperatingSystem.IsWindows())
            Assert.Inconclusive("There is no bash.");
        using var folder = new Folder();
        WriteProgram(folder.File("sbatch"), $"echo \"$@\" >>'{folder.File("calls")}'\necho '42;cluster'");
        var slurm = Path.Combine(s_sample, "slurm");
        Assert.AreEqual((0, ""), Bash("-n", Path.Combine(slurm, "submit.sh")));

        var (code, output) = Bash("-c", $"PATH='{folder.Path}':$PATH exec bash '{Path.Combine(slurm, "submit.sh")}' /job");

        Assert.AreEqual(0, code, output);
        CollectionAssert.AreEqual(
            new[]
            {
                $"--parsable {slurm}/score.sbatch /job",
                $"--dependency=afterok:42 --kill-on-invalid-dep=yes {slurm}/merge.sbatch /job", // a shard that fails cancels the merging
            },
            File.ReadAllLines(folder.File("calls")));
    }

    [TestMethod]
    public void AShardThatFailsOnThisMachineStopsTheOtherAndTheMerging()
    {
        if (OperatingSystem.IsWindows())
            Assert.Inconclusive("There is no bash.");
        using var folder = new Folder();
        var (process, merged) = (folder.File("process"), folder.File("merged"));
        WriteProgram(folder.File("dotnet"), $"""
            case "$*" in
              *"--shard 0/2") until [ -e '{process}' ]; do sleep 0.1; done; exit 3;;
              *"--shard 1/2") echo $$ >'{process}.new'; mv '{process}.new' '{process}'; exec sleep 100 >/dev/null 2>&1;;
              *--merge) touch '{merged}';;
            esac
            """);

        var (code, output) = Bash("-c", $"PATH='{folder.Path}':$PATH exec bash '{Path.Combine(s_sample, "run.sh")}' '{folder.Path}'");

        Assert.AreEqual(3, code, output);
        Assert.AreNotEqual((0, ""), Bash("-c", $"kill \"$(cat '{process}')\""), "the other shard goes on");
        Assert.IsFalse(File.Exists(merged));
    }

    private static void VerifyContainer(Dictionary<string, object> pod, Dictionary<string, object> container)
    {
        var arguments = List(container["args"]).Cast<string>().ToList();
        VerifyOptions(arguments.Where(argument => argument.StartsWith("--", StringComparison.Ordinal)));
        CollectionAssert.AreEqual(new[] { "dotnet", "ScoreInShards.dll" }, List(container["command"]));
        // The folder is on a volume that the pod mounts.
        var mount = List(container["volumeMounts"]).Select(Map).Single(
            one => (string)one["mountPath"] == arguments[arguments.IndexOf("--folder") + 1]);
        var volume = List(pod["volumes"]).Select(Map).Single(one => one["name"].Equals(mount["name"]));
        Assert.IsTrue(volume.ContainsKey("persistentVolumeClaim"));
    }

    private static void VerifyOptions(IEnumerable<string> used)
    {
        var known = DeclaredOption().Matches(File.ReadAllText(Path.Combine(s_sample, "CommandLine.cs")))
            .Select(match => match.Groups[1].Value).ToList();
        Assert.IsNotEmpty(known);
        var options = used.ToList();
        Assert.IsNotEmpty(options);
        CollectionAssert.IsSubsetOf(options, known);
    }

    private static void WriteProgram(string path, string script)
    {
        File.WriteAllText(path, $"#!/usr/bin/env bash\n{script}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static (int Code, string Output) Bash(params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo("bash", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }

    private static Dictionary<string, object> Read(string name) =>
        new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(
            File.ReadAllText(Path.Combine(s_sample, "kubernetes", name)));

    private static Dictionary<string, object> Map(object value) =>
        ((Dictionary<object, object>)value).ToDictionary(pair => (string)pair.Key, pair => pair.Value);

    private static List<object> List(object value) => (List<object>)value;

    [GeneratedRegex(@"--[a-z-]+")]
    private static partial Regex Option();

    [GeneratedRegex("new Option<[^>]+>\\(\"(--[a-z-]+)\"\\)")]
    private static partial Regex DeclaredOption();

    [GeneratedRegex(@"(?m)^#SBATCH --array=(\d+)-(\d+)$")]
    private static partial Regex ArrayRange();
}
