using System.Diagnostics;
using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Sharding;

/// <summary>Processes that score shards, killed (SIGKILL) at any moment and started again, or two of them at once.</summary>
[TestClass]
public sealed class KilledShardTests : IDisposable
{
    private const string BlockRows = "16"; // of 90 pictures: 6 blocks

    private readonly MLContext _ml = new();
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void AKilledShardGoesOnAndAFreshProcessReadsTheResult() => Verify(blocks: 2, milliseconds: 3);

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AShardKilledAtAnyMomentGoesOn()
    {
        Slow.RequireOrSkip();
        foreach (var (blocks, milliseconds) in ((int, int)[])[(0, 200), (0, 700), (1, 0), (1, 11), (3, 2), (3, 7), (5, 1), (6, 0)])
        {
            Verify(blocks, milliseconds);
            Directory.Delete(_folder.File("scores"), recursive: true);
        }
    }

    private void Verify(int blocks, int milliseconds)
    {
        File.WriteAllBytes(_folder.File("model.zip"), SmallTraining.ModelZip);
        Directory.CreateDirectory(_folder.File("scores"));
        using var model = SmallTraining.LoadModel(_ml);
        var expected = SmallTraining.Scores(model.Transform(_ml.Data.LoadImageFolder(SmallPictures.Folder)));

        Kill(blocks, milliseconds);
        using var first = Start();
        using var second = Start(_folder.File("merged.idv")); // the same shard at the same time, then the merging
        var firstError = first.StandardError.ReadToEndAsync();
        var error = second.StandardError.ReadToEndAsync();
        first.StandardOutput.ReadToEnd();
        var lines = second.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        first.WaitForExit();
        second.WaitForExit();

        Assert.AreEqual(0, first.ExitCode, firstError.Result);
        Assert.AreEqual(0, second.ExitCode, error.Result);
        if (blocks > 0)
            Assert.IsTrue(lines.Any(line => line.StartsWith("rows ", StringComparison.Ordinal) && !line.EndsWith("kept 0")), lines[0]);
        CollectionAssert.AreEqual(
            expected.Select(scores => string.Join(' ', SmallTraining.Bits(scores))).ToArray(),
            lines.Where(line => !line.StartsWith("rows", StringComparison.Ordinal)).ToArray());
    }

    private void Kill(int blocks, int milliseconds)
    {
        using var process = Start();
        var error = process.StandardError.ReadToEndAsync();
        for (var block = 0; block < blocks; block++)
            Assert.IsNotNull(process.StandardOutput.ReadLine(), "it ended early");
        Thread.Sleep(milliseconds);
        process.Kill();
        process.WaitForExit();
        _ = error.Result;
    }

    private Process Start(params string[] merged) => DotNet.Start(DotNet.WithTestDependencies(
        "MlNetFineTune.Killed",
        ["shard", _folder.File("model.zip"), SmallPictures.Folder, _folder.File("scores"), "0/1", BlockRows, .. merged]));
}
