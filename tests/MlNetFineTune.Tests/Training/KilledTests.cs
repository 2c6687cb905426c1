using System.Diagnostics;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Training;

/// <summary>A process that is killed (SIGKILL) at any moment loses nothing that matters.</summary>
[TestClass]
public sealed class KilledTests
{
    // Shares of the training, drawn once.
    private static readonly double[] s_moments =
        [0.004, 0.031, 0.087, 0.122, 0.169, 0.214, 0.268, 0.305, 0.352, 0.419, 0.447, 0.503, 0.561, 0.618, 0.664, 0.727, 0.781, 0.836,
            0.908, 0.985];

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void ATrainingKilledAtAnyMomentGoesOnToTheSameBits()
    {
        Slow.RequireOrSkip();
        var pictures = Pictures();
        var watch = Stopwatch.StartNew();
        var whole = Path.Combine(SmallPictures.NewFolder(), "whole.safetensors");
        var batches = Live(pictures, SmallPictures.NewFolder(), whole, killAfter: int.MaxValue, TimeSpan.Zero).Batches;
        var expected = File.ReadAllBytes(whole);
        var ofBatch = watch.Elapsed / batches / 3; // most of the time goes into starting
        var (killed, resumed) = (0, 0);

        foreach (var moment in s_moments)
        {
            var (folder, weights) = (SmallPictures.NewFolder(), Path.Combine(SmallPictures.NewFolder(), "weights.safetensors"));
            var at = moment * batches;
            var first = Live(pictures, folder, weights, killAfter: (int)at, ofBatch * (at - Math.Floor(at)));
            var second = Live(pictures, folder, weights, killAfter: int.MaxValue, TimeSpan.Zero);

            CollectionAssert.AreEqual(expected, File.ReadAllBytes(weights), $"killed at {moment} of {batches} batches");
            killed += first.Killed ? 1 : 0;
            resumed += second.Batches < batches ? 1 : 0;
        }

        Assert.IsGreaterThanOrEqualTo(18, killed, "of 20; some may have been ready");
        Assert.IsGreaterThanOrEqualTo(18, resumed, "of 20; the first die before their first checkpoint");
    }

    /// <param name="pictures">A folder.</param>
    /// <param name="checkpoints">Another.</param>
    /// <param name="weights">The file that is written at the end.</param>
    /// <param name="killAfter">Batches.</param>
    /// <param name="later">And this time.</param>
    private static (int Batches, bool Killed) Live(string pictures, string checkpoints, string weights, int killAfter, TimeSpan later)
    {
        using var process = DotNet.Start(DotNet.WithTestDependencies("MlNetFineTune.Killed", pictures, checkpoints, weights));
        var error = process.StandardError.ReadToEndAsync();
        var batches = 0;
        while (batches < killAfter && process.StandardOutput.ReadLine() is not null)
            batches++;
        if (killAfter < int.MaxValue)
        {
            Thread.Sleep(later);
            process.Kill();
        }
        process.WaitForExit();
        Assert.IsTrue(process.ExitCode == 0 || killAfter < int.MaxValue, error.Result);
        return (batches, process.ExitCode != 0);
    }

    private static string Pictures()
    {
        var folder = SmallPictures.NewFolder();
        foreach (var photo in SmallPictures.Take(10))
        {
            var to = Directory.CreateDirectory(Path.Combine(folder, photo.Label)).FullName;
            File.Copy(photo.ImagePath, Path.Combine(to, Path.GetFileName(photo.ImagePath)));
        }
        return folder;
    }
}
