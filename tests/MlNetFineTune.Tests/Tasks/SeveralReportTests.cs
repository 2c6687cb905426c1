using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>The report page has the parts of each head's task, of the rows that have its label.</summary>
[TestClass]
public sealed class SeveralReportTests
{
    private const string Image = "<img src=\"data:image/jpeg;base64,";

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void PicturesAreShownHeadByHeadAsThePageOfEachTaskShowsThem()
    {
        using var folder = new Folder();
        var held = SeveralRow.Take(6, skip: 20);
        foreach (var row in held.Take(4))
            row.Size = float.NaN;
        var validation = SeveralRow.View(_ml, held);
        var options = SeveralRow.Options with { RunFolder = folder.File("run"), Validation = ValidationData.Set(validation), Epochs = 1 };
        using var model = (FineTuningTransformer)options.CreateTrainer(_ml).Fit(SeveralRow.View(_ml, SeveralRow.Take(6)));

        var page = File.ReadAllText(folder.File("run/report.html"));
        var scored = model.Transform(validation);
        CollectionAssert.AreEqual(
            new[]
            {
                "Curves", "What the network was trained on", "<bdi>Kind</bdi>: Confusion on the validation rows",
                "<bdi>Kind</bdi>: Each class", "<bdi>Kind</bdi>: ROC and precision-recall curves", "<bdi>Kind</bdi>: Reliability",
                "<bdi>Kind</bdi>: Worst mistakes", "<bdi>Size</bdi>: Validation rows", "<bdi>Size</bdi>: Worst mistakes",
                "<bdi>Red</bdi>: ROC and precision-recall curves",
                "<bdi>Red</bdi>: Confusion on the validation rows", "<bdi>Red</bdi>: Each class", "<bdi>Red</bdi>: Reliability",
                "<bdi>Red</bdi>: Worst mistakes", "Layers", "To do the same again",
            },
            Regex.Matches(page, "<h2>(.*?)</h2>").Select(match => match.Groups[1].Value).ToArray());

        var kinds = _ml.MulticlassClassification
            .Evaluate(scored, "Kind", "KindScore", predictedLabelColumnName: "KindPredictedLabel").ConfusionMatrix;
        var wrong = 0;
        for (var label = 0; label < 3; label++)
        {
            for (var predicted = 0; predicted < 3; predicted++)
            {
                var count = (int)kinds.Counts[label][predicted];
                wrong += label == predicted ? 0 : count;
                StringAssert.Contains(page, $"{SmallPictures.Classes[label]} taken for {SmallPictures.Classes[predicted]}: {count}\"");
            }
        }
        Assert.IsGreaterThan(0, wrong, "one epoch learns little, so there are mistakes to show");
        Assert.AreEqual(wrong, Regex.Count(Section(page, "<bdi>Kind</bdi>: Worst mistakes"), Image));

        StringAssert.Contains(Section(page, "<bdi>Size</bdi>: Validation rows"), "14 of 18 validation pictures have this label.");
        Assert.AreEqual(14, Regex.Count(Section(page, "<bdi>Size</bdi>: Validation rows"), "<circle class=\"dots\""));
        var sizes = Section(page, "<bdi>Size</bdi>: Worst mistakes");
        Assert.AreEqual(14, Regex.Count(sizes, Image));
        const string Card = "predicted <b>([-0-9.]+)</b></span>\\s*<span class=\"truth\">is <b>([-0-9.]+)</b></span>\\s*"
            + "<span class=\"said\">error <b>([-+0-9.]+)</b></span>";
        var errors = Regex.Matches(sizes, Card)
            .Select(match => (Predicted: Number(match.Groups[1]), Actual: Number(match.Groups[2]), Error: Number(match.Groups[3])))
            .ToList();
        Assert.HasCount(14, errors);
        Assert.IsTrue(errors.All(row => Math.Abs(row.Predicted - row.Actual - row.Error) < 2e-4));
        var magnitudes = errors.Select(row => Math.Abs(row.Error)).ToList();
        CollectionAssert.AreEqual(magnitudes.OrderDescending().ToList(), magnitudes, "the largest error first");
        Assert.AreEqual(
            scored.GetColumn<float>("SizeScore").Zip(held, (score, row) => Math.Abs(score - row.Size)).Where(float.IsFinite).Max(),
            magnitudes[0], 2e-4);

        var red = _ml.BinaryClassification.Evaluate(scored, "Red", "RedScore", "RedProbability", "RedPredictedLabel");
        StringAssert.Contains(Section(page, "<bdi>Red</bdi>: ROC and precision-recall curves"),
            FormattableString.Invariant($"Area under the ROC curve {red.AreaUnderRocCurve:0.0000}, average precision"));
        StringAssert.Contains(page, $"True taken for True: {red.ConfusionMatrix.Counts[0][0]}\"");
        Assert.AreEqual(
            held.Zip(scored.GetColumn<bool>("RedPredictedLabel")).Count(pair => pair.First.Red != pair.Second),
            Regex.Count(Section(page, "<bdi>Red</bdi>: Worst mistakes"), Image));
    }

    [TestMethod]
    public void AHeadOfWhichNoValidationRowHasTheLabelSaysSo()
    {
        using var folder = new Folder();
        var held = TaskRow.Many(20, seed: 3);
        foreach (var row in held)
            row.Number = float.NaN;
        var options = TaskRow.Module("Several") with
        {
            RunFolder = folder.File("run"),
            Validation = ValidationData.Set(TaskRow.View(_ml, held)),
            Epochs = 1,
        };
        using var model = (FineTuningTransformer)options.CreateTrainer(_ml).Fit(TaskRow.View(_ml, TaskRow.Many(60)));

        var page = File.ReadAllText(folder.File("run/report.html"));
        StringAssert.Contains(Section(page, "<bdi>Number</bdi>: Validation rows"), "No validation row that could be read has this label.");
        StringAssert.Contains(page, "<bdi>Tags</bdi>: Labels on the validation rows");
    }

    [TestMethod]
    public void ALabelIsTextWhateverItSays()
    {
        using var folder = new Folder();
        const string Hostile = "<img src=x onerror=alert(1)>";
        var view = TaskRow.View(_ml, TaskRow.Many(60));
        var named = _ml.Transforms.CopyColumns(Hostile, "Yes").Fit(view).Transform(view);
        var options = TaskRow.Module("Several") with
        {
            Task = LearningTask.Several(new(Hostile, LearningTask.Binary()), new("Grade", LearningTask.Multiclass())),
            RunFolder = folder.File("run"),
            Epochs = 1,
        };
        using var model = (FineTuningTransformer)options.CreateTrainer(_ml).Fit(named);

        var page = File.ReadAllText(folder.File("run/report.html"));
        Assert.IsFalse(page.Contains("<img", StringComparison.Ordinal));
        StringAssert.Contains(page, "<h2><bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>: ");
    }

    [TestMethod]
    public void LabelsThatWouldBeOneColumnOfTheHistoryAreRefusedBeforeAnythingIsRead()
    {
        using var folder = new Folder();
        var view = TaskRow.View(_ml, TaskRow.Many(30));
        var named = _ml.Transforms.CopyColumns("A b", "Yes").Append(_ml.Transforms.CopyColumns("A_b", "Yes")).Fit(view).Transform(view);
        var options = TaskRow.Module("Several") with
        {
            Task = LearningTask.Several(new("A b", LearningTask.Binary()), new("A_b", LearningTask.Binary())),
            Epochs = 1,
        };

        var error = Assert.ThrowsExactly<InvalidOperationException>(
            () => (options with { RunFolder = folder.File("run") }).CreateTrainer(_ml).Fit(named));

        StringAssert.Contains(error.Message,
            "RunFolder: the metrics 'A b.Accuracy' and 'A_b.Accuracy' would both be the column 'validation_A_b_accuracy' of history.csv");
        Assert.IsFalse(Directory.Exists(folder.File("run")));
        using var without = (FineTuningTransformer)options.CreateTrainer(_ml).Fit(named);
        Assert.IsTrue(without.Report!.Epochs[0].Metrics.ContainsKey("A b.Accuracy"), "without files there is nothing to confuse");

        // A label's end may look like a metric's beginning.
        var macro = Assert.ThrowsExactly<InvalidOperationException>(() => MlNetFineTune.Reporting.MetricNames.RequireDifferent(
            [Metric.F1.Of("A_macro"), Metric.MacroF1.Of("A")]));
        StringAssert.Contains(macro.Message, "'validation_A_macro_f1'");
    }

    private static string Section(string page, string title)
    {
        var start = page.IndexOf($"<h2>{title}</h2>", StringComparison.Ordinal);
        Assert.IsGreaterThan(0, start, title);
        return page[start..page.IndexOf("</section>", start, StringComparison.Ordinal)];
    }

    private static double Number(Group group) => double.Parse(group.Value, CultureInfo.InvariantCulture);
}
