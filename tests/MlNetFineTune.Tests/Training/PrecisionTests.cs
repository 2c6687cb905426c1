using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>Trainings and models in bfloat16. On processors without instructions for it they are slow, and the same.</summary>
[TestClass]
public sealed class PrecisionTests
{
    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with { Epochs = 6, Precision = Precision.BFloat16 };

    private static readonly Photo[] s_photos = SmallPictures.Take(12);

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void ATrainingInBFloat16LearnsAsWellAndIsAnotherOne()
    {
        using var exact = SmallTraining.Fit(_ml, s_options with { Precision = Precision.Float32 }, s_photos);
        using var fast = SmallTraining.Fit(_ml, s_options, s_photos);

        var (expected, actual) = (exact.Report!.Epochs, fast.Report!.Epochs);
        Assert.AreEqual(expected[0].Loss, actual[0].Loss, 0.02 * expected[0].Loss, "the first epoch");
        Assert.AreNotEqual(expected[0].Loss, actual[0].Loss);
        Assert.IsLessThan(0.9 * actual[0].Loss, actual[^1].Loss, "it learns");
    }

    [TestMethod]
    public void ACheckpointContinuesToTheSameBits()
    {
        using var folder = new Folder();
        var options = s_options with { Checkpoint = TrainingCheckpoint.EveryEpochs(folder.File("checkpoints")) };
        using var whole = SmallTraining.Fit(_ml, s_options, s_photos);
        var dies = new Watcher(progress => _ = progress.Epoch == 3 ? throw new DivideByZeroException() : 0);
        Assert.Throws<DivideByZeroException>(() => SmallTraining.Fit(_ml, options with { Progress = dies }, s_photos));
        using var resumed = SmallTraining.Fit(_ml, options, s_photos);

        Assert.IsNotNull(resumed.Report!.Resumed);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(resumed));
    }

    [TestMethod]
    public void ActivationCheckpointingChangesNothing()
    {
        using var plain = SmallTraining.Fit(_ml, s_options with { Epochs = 2 }, s_photos);
        using var checkpointed = SmallTraining.Fit(_ml, s_options with { Epochs = 2, ActivationCheckpointing = true }, s_photos);

        var (expected, actual) = (plain.Report!.Epochs[^1].Loss, checkpointed.Report!.Epochs[^1].Loss);
        Assert.AreEqual(expected, actual, 0.02 * expected);
    }

    [TestMethod]
    public void TheModelSaysItsPrecisionAndScoresTheSameWhereItIsLoaded()
    {
        using var model = SmallTraining.Fit(_ml, s_options, s_photos);
        var data = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, s_photos));
        var zip = SmallTraining.Save(_ml, model);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(zip), out _);

        var (expected, actual) = (SmallTraining.Scores(model.Transform(data)), SmallTraining.Scores(loaded.Transform(data)));
        if (ReducedPrecision.ChoiceFor(CPU).Use)
            SmallTraining.AssertSameBits(expected, actual);
        else
            SmallTraining.AssertClose(expected, actual, tolerance: 0.05f); // in 32-bit floats there
        Assert.IsTrue(UsesBFloat16(zip));
        Assert.IsFalse(UsesBFloat16(SmallTraining.ModelZip));
        Assert.AreEqual("BFloat16", loaded.Manifest.Options["Precision"]);
    }

    [TestMethod]
    public void AutoSaysWhatItChoseAndWhy()
    {
        var lines = new List<string>();
        var ml = new MLContext(seed: 1);
        ml.Log += (_, e) => lines.Add(e.Message);
        using var model = SmallTraining.Fit(ml, s_options with { Epochs = 1, Precision = Precision.Auto }, s_photos);

        var choice = ReducedPrecision.ChoiceFor(CPU);
        var expected = choice.Use ? Precision.BFloat16 : Precision.Float32;
        Assert.IsTrue(lines.Exists(line => line.Contains($"Precision is {expected}: {choice.Reason}", StringComparison.Ordinal)),
            string.Join("\n", lines));
        Assert.AreSame(choice, ReducedPrecision.ChoiceFor(CPU), "measured once");
    }

    [TestMethod]
    public void AnUnknownPrecisionIsRefused() =>
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => s_options with { Precision = (Precision)3 });

    private static bool UsesBFloat16(byte[] zip) =>
        JsonDocument.Parse(Zip.Entry(zip, "manifest.json")).RootElement.GetProperty("UsesBFloat16").GetBoolean();
}
