using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Distributed;

/// <summary>Trainings of several processes over a real MPI library, compared with one process alone, and interrupted.</summary>
[TestClass]
public sealed partial class MpiTrainingTests
{
    private const string Program = "MlNetFineTune.Ranks";
    private const string LongTimeout = "300", ShortTimeout = "30"; // seconds; the short one holds in the training, after the start
    private const float Tolerance = 1e-5f;

    // The first checkpoint is written after two steps of two batches.
    private const int FirstInterruption = 6;

    // Shares of the training, drawn once.
    private static readonly double[] s_moments = [0.071, 0.153, 0.238, 0.312, 0.387, 0.466, 0.529, 0.604, 0.683, 0.741, 0.827, 0.934];

    private static readonly string s_pretrained = Path.Combine(Repository.Root, "samples", "QuickStart", "Assets", "micro.safetensors");

    private readonly string _pictures = Pictures();

    [TestMethod]
    public void SeveralProcessesTrainTheModelOfOne()
    {
        MpiRun.RequireOrSkip();
        var (one, batches) = Alone();

        foreach (var size in (int[])[2, 3])
        {
            var weights = NewFile();
            using var run = MpiRun.Start(size, Program, Train(LongTimeout, SmallPictures.NewFolder(), weights));

            Assert.AreEqual(0, run.Wait(), run.Error);
            Assert.AreEqual(batches, Batches(run));
            AssertSameWeights(one, weights, $"{size} processes");
        }
    }

    [TestMethod]
    [DataRow(Signals.Kill, 0.238, 2, 3)]
    [DataRow(Signals.Kill, 0.683, 3, 1)]
    [DataRow(Signals.Stop, 0.466, 2, 2)]
    public void AfterTheEndOfAProcessATrainingGoesOnWithAnotherNumberOfProcesses(int signal, double moment, int first, int second)
    {
        MpiRun.RequireOrSkip();
        var (one, batches) = Alone();
        AssertGoesOn(one, batches, signal, moment, first, second);
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void ATrainingInterruptedAtAnyMomentGoesOn()
    {
        Slow.RequireOrSkip();
        MpiRun.RequireOrSkip();
        var (one, batches) = Alone();
        foreach (var (i, moment) in s_moments.Index())
            AssertGoesOn(one, batches, i % 3 == 2 ? Signals.Stop : Signals.Kill, moment, first: 2 + i % 2, second: 1 + i % 4);
    }

    private void AssertGoesOn(float[] one, int batches, int signal, double moment, int first, int second)
    {
        var what = FormattableString.Invariant($"signal {signal} at {moment} of {batches} batches, {first} and {second} processes");
        var (checkpoints, weights, signalSent) = (SmallPictures.NewFolder(), NewFile(), NewFile());
        var due = Math.Max(FirstInterruption, (int)Math.Ceiling(moment * batches));
        // Process 0 waits after that batch: the training does not end before the signal is sent.
        string[] pause = [ShortTimeout, $"{due}", signalSent];
        using (var run = MpiRun.Start(first, Program, [.. Train(LongTimeout, checkpoints, weights), .. pause]))
        {
            var isDue = SpinWait.SpinUntil(() => Batches(run) >= due || run.Process.HasExited, Patience.Limit);
            Assert.IsTrue(isDue, $"{what}: {run.Error}");
            var ranks = run.Ranks;
            Assert.HasCount(first, ranks, $"{what}: {run.Error}");
            Signals.Send(ranks[(int)(moment * 1000) % first], signal);
            File.WriteAllText(signalSent, "");

            Assert.AreNotEqual(0, run.Wait(), what);
            Assert.IsFalse(File.Exists(weights), what);
            if (signal == Signals.Stop)
            {
                StringAssert.Matches(run.Error, WaitedInVain(), what);
                Assert.Contains("epoch ", run.Error, what);
            }
        }
        using (var run = MpiRun.Start(second, Program, Train(LongTimeout, checkpoints, weights)))
        {
            Assert.AreEqual(0, run.Wait(), $"{what}: {run.Error}");
            Assert.Contains("resumed after", run.Output, what);
            Assert.IsLessThan(batches, Batches(run), what);
        }
        AssertSameWeights(one, weights, what);
    }

    private (float[] Weights, int Batches) Alone()
    {
        var weights = NewFile();
        using var run = MpiRun.StartAlone(Program, Train(LongTimeout, SmallPictures.NewFolder(), weights));
        Assert.AreEqual(0, run.Wait(), run.Error);
        return (Numbers(weights), Batches(run));
    }

    private string[] Train(string timeout, string checkpoints, string weights) =>
        ["train", timeout, s_pretrained, _pictures, checkpoints, weights];

    private static void AssertSameWeights(float[] one, string file, string what)
    {
        var several = Numbers(file);
        Assert.HasCount(one.Length, several, what);
        for (var i = 0; i < one.Length; i++)
            Assert.AreEqual(one[i], several[i], Tolerance, $"{what}: number {i}");
    }

    // Of a safetensors file: a length, the directory, and the numbers of all tensors.
    private static float[] Numbers(string file)
    {
        var bytes = File.ReadAllBytes(file);
        return MemoryMarshal.Cast<byte, float>(bytes.AsSpan(8 + BitConverter.ToInt32(bytes))).ToArray();
    }

    private static int Batches(MpiRun run) => BatchLine().Count(run.Output);

    private static string NewFile() => Path.Combine(SmallPictures.NewFolder(), "weights.safetensors");

    private static string Pictures()
    {
        var folder = SmallPictures.NewFolder();
        foreach (var photo in SmallPictures.Take(5))
        {
            var to = Directory.CreateDirectory(Path.Combine(folder, photo.Label)).FullName;
            File.Copy(photo.ImagePath, Path.Combine(to, Path.GetFileName(photo.ImagePath)));
        }
        return folder;
    }

    [GeneratedRegex("batch [0-9]+")]
    private static partial Regex BatchLine();

    [GeneratedRegex(@"Rank \d of \d has waited 3\d s in .*(for rank \d|no longer takes part)")]
    private static partial Regex WaitedInVain();
}
