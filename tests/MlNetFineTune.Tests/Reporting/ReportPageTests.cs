using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Reporting;

[TestClass]
public sealed class ReportPageTests
{
    private const string Hostile = "<img src=x onerror=alert(1)>\"'&";

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void EveryHoleOfMarkupIsEscapedAndInnerMarkupIsNot()
    {
        Markup inner = $"<b title=\"{Hostile}\">{3.5}</b>";
        Markup outer = $"<p>{inner}{Enumerable.Range(1, 2).Select(Item)}{(string?)null}{1234.5:0.0}</p>";

        Assert.AreEqual("<p><b title=\"&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;\">3.5</b><i>1</i><i>2</i>1234.5</p>",
            outer.ToString());

        static Markup Item(int i) => $"<i>{i}</i>";
    }

    [TestMethod]
    public void OfAVisionTransformerThePageShowsWhereTheAttentionCameFrom()
    {
        using var folder = new Folder();
        var options = SmallTraining.Options with
        {
            Backbone = FixtureNetworks.Find("vit", 1).FromScratch(),
            RunFolder = folder.File("run"),
            Strategy = Strategy.HeadOnly,
            Validation = ValidationData.Fraction(0.5f),
            Epochs = 1,
            LearningRate = 1e-5f,
        };

        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(6));

        var page = File.ReadAllText(folder.File("run/report.html"));
        StringAssert.Contains(page, "the regions from which attention reached the output (attention rollout)");
        var pictures = Regex.Count(page, "<img src=\"data:image/jpeg;base64,");
        Assert.IsTrue(pictures > 0 && pictures % 2 == 0, $"{pictures} pictures");
    }

    [TestMethod]
    public void ThePageSaysOfTheValidationPicturesWhatMlNetSays()
    {
        using var folder = new Folder();
        var validation = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8, skip: 20)));
        var options = SmallTraining.Options with
        {
            RunFolder = folder.File("run"),
            Validation = ValidationData.Set(validation),
            Epochs = 1,
        };

        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(6));

        var page = File.ReadAllText(folder.File("run/report.html"));
        var matrix = _ml.MulticlassClassification.Evaluate(model.Transform(validation)).ConfusionMatrix;
        var wrong = 0;
        for (var label = 0; label < 3; label++)
        {
            for (var predicted = 0; predicted < 3; predicted++)
            {
                var count = (int)matrix.Counts[label][predicted];
                wrong += label == predicted ? 0 : count;
                StringAssert.Contains(page, $"{SmallPictures.Classes[label]} taken for {SmallPictures.Classes[predicted]}: {count}\"");
            }
        }
        Assert.IsGreaterThan(0, wrong, "one epoch learns little, so there are mistakes to show");
        // Each without and with its heat map.
        Assert.AreEqual(2 * wrong, Regex.Count(page, "<img src=\"data:image/jpeg;base64,"));
        StringAssert.Contains(page, "The second picture shows which regions contributed to the predicted class");
        // The worst first: the probabilities of the true classes rise.
        var probabilities = Regex.Matches(page, "is <bdi>\\w+</bdi> <b>([0-9.]+) %</b>")
            .Select(match => double.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.HasCount(wrong, probabilities);
        CollectionAssert.AreEqual(probabilities.Order().ToList(), probabilities);
        var lowest = model.Transform(validation).GetColumn<float[]>("Score")
            .Zip(validation.GetColumn<uint>("Label"), (scores, key) => (Right: scores.Max() == scores[key - 1], Truth: scores[key - 1]))
            .Where(row => !row.Right).Min(row => row.Truth);
        Assert.AreEqual(lowest * 100, probabilities[0], 0.06);
    }

    [TestMethod]
    public void ThePageNeedsNothingFromOutsideAndRunsNothing()
    {
        using var folder = new Folder();
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { RunFolder = folder.File("run"), Validation = ValidationData.Fraction(0.3f) },
            SmallPictures.Take(6));

        var page = File.ReadAllText(folder.File("run/report.html"));

        StringAssert.Contains(page, "default-src 'none'; img-src data:; style-src 'unsafe-inline'");
        Assert.IsFalse(Regex.IsMatch(page, "<script|<link|<iframe|<object|@import|url\\(|\\son\\w+=|https?:", RegexOptions.IgnoreCase),
            "nothing that loads or runs");
        Assert.IsTrue(Regex.Matches(page, "src=\"([^\"]*)\"")
            .All(match => Regex.IsMatch(match.Groups[1].Value, "^data:image/(jpeg|png);base64,")));
        foreach (var part in (string[])[
            "Curves", "Loss", "Validation accuracy", "Learning rate of the head", "To do the same again", "AdamW(weightDecay: 0.01",
            "Torch threads", "libtorch", "Seed", "micro (random weights)"])
            StringAssert.Contains(page, part);
        Assert.AreEqual(1, Regex.Count(page, "prefers-color-scheme:dark"));
    }

    [TestMethod]
    public void TheWeightsOfTheRecordAreThoseOfTheModelFile()
    {
        using var folder = new Folder();
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { RunFolder = folder.File("run") }, SmallPictures.Take(4));

        _ml.Model.Save(model, null, folder.File("model.zip"));

        using var zip = System.IO.Compression.ZipFile.OpenRead(folder.File("model.zip"));
        using var reader = new StreamReader(zip.Entries.Single(entry => entry.Name == "manifest.json").Open());
        var sha = Regex.Match(reader.ReadToEnd(), "\"WeightsSha256\": \"([0-9a-f]{64})\"").Groups[1].Value;
        Assert.AreEqual(64, sha.Length);
        StringAssert.Contains(File.ReadAllText(folder.File("run/report.html")), sha);
    }

    [TestMethod]
    public void ClassNamesAreTextWhateverTheySay()
    {
        using var folder = new Folder();
        var photos = SmallPictures.Take(6)
            .Select(photo => new Photo { Label = photo.Label == "dots" ? Hostile : photo.Label, ImagePath = photo.ImagePath });
        var data = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(SmallPictures.View(_ml, photos))
            .Transform(SmallPictures.View(_ml, photos));

        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with
        {
            RunFolder = folder.File("run"),
            Validation = ValidationData.Fraction(0.3f),
            Epochs = 1,
        }).Fit(data);

        var page = File.ReadAllText(folder.File("run/report.html"));
        Assert.IsFalse(page.Contains("<img src=x", StringComparison.Ordinal));
        StringAssert.Contains(page, "&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp; taken for ");
    }

    [TestMethod]
    public void ModulesHaveTablesAndNumbersAScatter()
    {
        using var folder = new Folder();
        var view = SmallModules.View(_ml, TableRow.Many(60));
        using var kinds = _ml.MulticlassClassification.Trainers.FineTuneModule(
            SmallModules.Multiclass with { RunFolder = folder.File("kinds"), Epochs = 1 }).Fit(view);
        using var yes = _ml.BinaryClassification.Trainers.FineTuneModule(
            SmallModules.Binary with { RunFolder = folder.File("yes"), Validation = ValidationData.Set(view), Epochs = 1 }).Fit(view);
        using var number = _ml.Regression.Trainers.FineTuneModule(
            SmallModules.Regression with { RunFolder = folder.File("number"), Epochs = 2 }).Fit(view);

        StringAssert.Contains(File.ReadAllText(folder.File("kinds/report.html")), "kind0 taken for kind1: ");
        var page = File.ReadAllText(folder.File("yes/report.html"));
        // the positive class first
        var matrix = _ml.BinaryClassification.Evaluate(yes.Transform(view), labelColumnName: "Yes").ConfusionMatrix;
        StringAssert.Contains(page, $"True taken for True: {matrix.Counts[0][0]}\"");
        StringAssert.Contains(page, $"False taken for True: {matrix.Counts[1][0]}\"");
        page = File.ReadAllText(folder.File("number/report.html"));
        StringAssert.Contains(page, "Predicted (up) against actual");
        Assert.AreEqual(number.Report!.ValidationRows, Regex.Count(page, "<circle class=\"dots\""));
        StringAssert.Contains(page, "Validation RMSE");
    }

    [TestMethod]
    public void ManyClassesAreShownAsPairs()
    {
        string[] classes = [.. Enumerable.Range(0, 30).Select(c => $"class{c}")];
        (int, int)[] rows = [.. Enumerable.Range(0, 90).Select(i => (i % 30, i % 30 == 7 ? 8 : i % 30))];

        var text = ConfusionTable.Of(new ReportBlock.Confusion(classes, rows)).ToString();

        StringAssert.Contains(text, "of 90 rows 3 are wrong");
        Assert.AreEqual(
            1,
            Regex.Count(
                text, "<tr><td><bdi>class7</bdi></td><td><bdi>class8</bdi></td><td class=\"number\">3</td><td class=\"number\">100 "
                + "%</td></tr>"));
    }

    [TestMethod]
    [DataRow(new[] { 0.0, 1 }, "0 0.2 0.4 0.6 0.8 1")]
    [DataRow(new[] { 0.31, 1.87 }, "0.2 0.4 0.6 0.8 1 1.2 1.4 1.6 1.8 2")]
    [DataRow(new[] { -3.0, 9 }, "-4 -2 0 2 4 6 8 10")]
    [DataRow(new[] { 0.0, 0 }, "0 0.2 0.4 0.6 0.8 1")]
    [DataRow(new[] { 5.0 }, "2 3 4 5 6 7 8")]
    [DataRow(new double[0], "0 0.2 0.4 0.6 0.8 1")]
    [DataRow(new[] { double.NaN, 0, 1e-9 }, "0 2e-10 4e-10 6e-10 8e-10 1e-9")]
    public void TicksAreRoundAndCoverTheValues(double[] values, string expected) =>
        Assert.AreEqual(expected, string.Join(' ', Axis.Linear(values).Ticks.Select(Axis.Label)));
}
