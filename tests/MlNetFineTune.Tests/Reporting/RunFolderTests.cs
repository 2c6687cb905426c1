using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Reporting;

[TestClass]
public sealed class RunFolderTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public void TheHistoryReadsBackExactlyWhatTheReportSays()
    {
        using var folder = new Folder();

        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { RunFolder = folder.File("a/run"), Validation = ValidationData.Fraction(0.25f) },
            SmallPictures.Take(8));

        var epochs = model.Report!.Epochs;
        var lines = File.ReadAllLines(folder.File("a/run/history.csv"));
        Assert.AreEqual("epoch,loss,validation_loss,validation_accuracy,learning_rate,seconds", lines[0]);
        Assert.HasCount(3, lines);
        var json = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(folder.File("a/run/history.json")));
        for (var i = 0; i < 2; i++)
        {
            var fields = lines[i + 1].Split(',');
            double?[] values = [epochs[i].Epoch, epochs[i].Loss, epochs[i].ValidationLoss, epochs[i].ValidationAccuracy,
                epochs[i].LearningRate, epochs[i].Seconds];
            CollectionAssert.AreEqual(values,
                fields.Select(field => field.Length == 0 ? (double?)null : double.Parse(field, CultureInfo.InvariantCulture)).ToArray());
            CollectionAssert.AreEqual(values,
                json[i].EnumerateObject().Select(
                    member => member.Value.ValueKind == JsonValueKind.Null ? (double?)null : member.Value.GetDouble()).ToArray());
        }
        Assert.IsEmpty(Directory.GetFiles(folder.File("a/run"), "*.tmp"));
    }

    [TestMethod]
    public void WatchingDoesNotChangeTheModel()
    {
        using var folder = new Folder();
        var options = SmallTraining.Options with { Augmentation = Augmentation.Light, Validation = ValidationData.Fraction(0.25f) };

        using var plain = SmallTraining.Fit(_ml, options, SmallPictures.Take(8));
        using var watched = SmallTraining.Fit(_ml, options with { RunFolder = folder.File("run") }, SmallPictures.Take(8));

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(plain), SmallTraining.WeightsOf(watched));
    }

    [TestMethod]
    public void AFolderThatCannotBeMadeIsAnErrorBeforeAnythingIsRead()
    {
        using var folder = new Folder();
        File.WriteAllText(folder.File("file"), "");

        var error = Assert.Throws<IOException>(
            () => SmallTraining.Fit(_ml, SmallTraining.Options with { RunFolder = folder.File("file") },
                [new Photo { Label = "dots", ImagePath = "nowhere" }]));

        StringAssert.Contains(error.Message, $"RunFolder '{folder.File("file")}' cannot be written to");
        Assert.Throws<ArgumentException>(() => SmallTraining.Options with { RunFolder = " " });
    }

    [TestMethod]
    public void AFolderThatGoesEndsTheWatchingAndNotTheTraining()
    {
        using var folder = new Folder();
        var log = new LogLines(_ml);
        var remover = new Remover(folder.File("run"));

        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { RunFolder = folder.File("run"), Epochs = 3, Progress = remover }, SmallPictures.Take(8));

        Assert.HasCount(3, model.Report!.Epochs);
        Assert.AreEqual(1, log.Warnings.Count(line => line.Contains("Nothing more is written there; the training goes on.")),
            log.ToString());
    }

    [TestMethod]
    public void ValuesThatAreMissingAreEmptyAndNull()
    {
        TrainingReport.EpochReport[] epochs =
        [
            new(1, 0.1, null, 1e-3, 2.5),
            new(2, double.NaN, 1e-30, 1e300, 0)
            {
                Metrics = new Dictionary<string, double> { ["Accuracy"] = 1, ["RootMeanSquaredError"] = 0.5 }
            },
        ];
        using var stream = new MemoryStream();

        HistoryFiles.WriteJson(stream, epochs);

        Assert.AreEqual(
            "epoch,loss,validation_loss,validation_accuracy,validation_rmse,learning_rate,seconds\n"
            + "1,0.1,,,,0.001,2.5\n2,NaN,1E-30,1,0.5,1E+300,0\n",
            HistoryFiles.ToCsv(epochs));
        var json = JsonSerializer.Deserialize<JsonElement>(stream.ToArray());
        Assert.AreEqual(JsonValueKind.Null, json[0].GetProperty("validation_loss").ValueKind);
        Assert.AreEqual(JsonValueKind.Null, json[1].GetProperty("loss").ValueKind);
        Assert.AreEqual(1e-30, json[1].Number("validation_loss"));
    }

    private sealed class Remover(string folder) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value is { Activity: TrainingActivity.Training, Epoch: 2 } && Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }
}
