using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tests.Support;
using TorchSharp.Utils;

namespace MlNetFineTune.Tests.Reporting;

/// <summary>TensorBoard's files, byte by byte against tools/reference/tensorboard_events.py, which shares nothing with ours.</summary>
[TestClass]
public sealed class EventFileTests
{
    [TestMethod]
    public void TheChecksumIsThatOfTheStandard()
    {
        // RFC 3720, appendix B.4; the first is the usual check value.
        Assert.AreEqual(0xE3069283u, CRC32C.process("123456789"u8.ToArray()));
        Assert.AreEqual(0x8A9136AAu, CRC32C.process(new byte[32]));
        Assert.AreEqual(0x62A8AB43u, CRC32C.process([.. Enumerable.Repeat((byte)0xff, 32)]));
        Assert.AreEqual(0x46DD794Eu, CRC32C.process([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
    }

    [TestMethod]
    public void TheBytesAreThoseOfTheReference()
    {
        var expected = Fixture.Read("watching.json");
        using var folder = new Folder();
        var clock = new FixedClock(expected.Number("wallTime"));

        using (var events = EventFile.Create(folder.File("."), clock))
        {
            events.AddScalars(1, ("step/loss", 0.75), ("step/learning_rate", 0.001));
            events.AddScalars(300, ("epoch/validation_loss", 2.5), ("é", -1));
            Assert.AreEqual($"events.out.tfevents.1767323045.{Environment.ProcessId}.0", Path.GetFileName(events.Path));

            Assert.AreEqual(expected.Text("events"), Convert.ToHexStringLower(ReadShared(events.Path)), "whole before it is closed");
        }
    }

    [TestMethod]
    public void TwoRunsInOneSecondHaveTheirOwnFiles()
    {
        using var folder = new Folder();
        using var first = EventFile.Create(folder.File("."), new FixedClock(1));
        using var second = EventFile.Create(folder.File("."), new FixedClock(1));

        Assert.AreNotEqual(first.Path, second.Path);
    }

    [TestMethod]
    public void AnotherReaderFindsEveryStepAndEpochOfATraining()
    {
        using var folder = new Folder();
        var seen = new List<TrainingProgress>();
        var options = SmallTraining.Options with
        {
            RunFolder = folder.File("run"),
            Validation = ValidationData.Fraction(0.25f),
            Epochs = 2,
            Progress = new Collector(seen),
        };

        using var model = SmallTraining.Fit(new MLContext(), options, SmallPictures.Take(8));

        var file = Directory.GetFiles(folder.File("run"), "events.out.tfevents.*").Single();
        var events = Python.RunOrSkip("tensorboard_events.py", file).EnumerateArray().ToList();
        Assert.AreEqual("brain.Event:2", events[0].Text("fileVersion"));
        Assert.AreEqual((1.0, 1.0), (events[1].Number("session"), events[1].Number("step")));
        var scalars = events.Skip(2).Select(found => (Step: (int)found.Number("step"), Values: found.GetProperty("scalars"))).ToList();
        CollectionAssert.AreEqual(new[] { 1, 2, 3, 3, 4, 5, 6, 6 }, scalars.Select(found => found.Step).ToArray());
        var steps = seen.Where(progress => progress.Activity == TrainingActivity.Training).ToList();
        var perStep = scalars.Where(found => found.Values.TryGetProperty("step/loss", out _)).ToList();
        for (var i = 0; i < 6; i++)
            Assert.AreEqual((float)steps[i].LearningRate, (float)perStep[i].Values.Number("step/learning_rate"));
        // 18 rows in steps of 6: their mean is the epoch's.
        Assert.AreEqual(model.Report!.Epochs[0].Loss, perStep.Take(3).Average(found => found.Values.Number("step/loss")), 1e-6);
        foreach (var (epoch, found) in model.Report.Epochs.Zip([scalars[3], scalars[7]]))
        {
            Assert.AreEqual((float)epoch.Loss, (float)found.Values.Number("epoch/loss"));
            Assert.AreEqual((float)epoch.ValidationLoss!, (float)found.Values.Number("epoch/validation_loss"));
            Assert.AreEqual((float)epoch.ValidationAccuracy!, (float)found.Values.Number("epoch/validation_accuracy"));
            Assert.AreEqual((float)epoch.LearningRate, (float)found.Values.Number("epoch/learning_rate"));
        }
    }

    private static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private sealed class FixedClock(double seconds) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddSeconds(seconds);
    }

    private sealed class Collector(List<TrainingProgress> seen) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => seen.Add(value);
    }
}
