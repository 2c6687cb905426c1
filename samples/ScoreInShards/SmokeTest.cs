using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ScoreInShards;

/// <summary>Two processes score at the same time; the merged file has what one process gives.</summary>
internal static class SmokeTest
{
    public static int Run()
    {
        string folder = Directory.CreateTempSubdirectory("score-in-shards-").FullName;
        string merged = Path.Combine(folder, "scores.idv"), alone = Path.Combine(folder, "alone.idv");
        var job = new Job(folder);
        job.Prepare(trainingPhotos: 10, photos: 20, epochs: 2);

        Process[] shards = [Start("--shard", "0/2"), Start("--shard", "1/2")];
        try
        {
            foreach (Process shard in shards)
            {
                shard.WaitForExit();
                if (shard.ExitCode != 0)
                    return shard.ExitCode;
            }
        }
        finally
        {
            foreach (Process shard in shards)
            {
                shard.Kill(); // if the other failed; nothing if it has ended
                shard.WaitForExit();
                shard.Dispose();
            }
        }
        job.Merge();
        job.ScoreInOneProcess(alone);

        float[][] scores = Scores(merged), expected = Scores(alone);
        int equal = scores.Zip(expected).Count(pair => pair.First.AsSpan().SequenceEqual(pair.Second));
        Console.WriteLine($"photos={expected.Length} equal={equal}");
        return scores.Length == expected.Length && equal == expected.Length ? 0 : 1;

        // A small block, so that both shards have some.
        Process Start(params string[] arguments) => Process.Start(Environment.ProcessPath!, [.. Arguments(folder), .. arguments]);
    }

    // Started by `dotnet ScoreInShards.dll`, the program is its first argument.
    private static IEnumerable<string> Arguments(string folder) =>
    [
        .. Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? new[] { Environment.GetCommandLineArgs()[0] } : [],
        "--folder", folder, "--block-rows", "16",
    ];

    private static float[][] Scores(string path) => [.. new MLContext().Data.LoadFromBinary(path).GetColumn<float[]>("Score")];
}
