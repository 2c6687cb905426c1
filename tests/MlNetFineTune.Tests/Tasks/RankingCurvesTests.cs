using System.Text.Json;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>
/// Curves of one class against the rest, compared with their definitions in numpy: <c>tools/reference/ranking_fixture.py</c>.
/// </summary>
[TestClass]
public sealed class RankingCurvesTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("ranking.json");

    private static readonly float[] s_labels = [.. s_fixture.GetProperty("labels").Numbers().Select(number => (float)number)];

    private static readonly float[] s_scores = [.. s_fixture.GetProperty("scores").Numbers().Select(number => (float)number)];

    private static readonly string[] s_classes = ["a", "b", "c", "no row has it"];

    [TestMethod]
    public void AreasOfEachClassAndTheirMeansAreThoseOfTheDefinition()
    {
        var curves = OneAgainstRest.Of(s_scores, s_labels, s_classes);

        Fixture.AreClose(Numbers("rocAuc"), [.. curves.Classes.Select(of => of.RocAuc)], 1e-12, "area under the ROC curve");
        Fixture.AreClose(Numbers("averagePrecision"), [.. curves.Classes.Select(of => of.AveragePrecision)], 1e-12, "average precision");
        Assert.IsTrue(double.IsNaN(curves.Classes[3].RocAuc) && double.IsNaN(curves.Classes[3].AveragePrecision));
        Assert.AreEqual(s_fixture.Number("macroRocAuc"), curves.MacroRocAuc, 1e-12);
        Assert.AreEqual(s_fixture.Number("macroAveragePrecision"), curves.MacroAveragePrecision, 1e-12);
    }

    [TestMethod]
    public void MeanCurvesAreThoseOfTheDefinition()
    {
        var curves = OneAgainstRest.Of(s_scores, s_labels, s_classes);

        Assert.AreEqual((0, 0), curves.MeanRoc[0]);
        Fixture.AreClose(Numbers("meanRoc"), [.. curves.MeanRoc.Skip(1).Select(point => point.Y)], 1e-9, "mean ROC curve");
        Fixture.AreClose(Numbers("meanPrecision"), [.. curves.MeanPrecision.Select(point => point.Y)], 1e-9, "mean precision");
        Assert.AreEqual(1, curves.MeanPrecision[^1].X);
    }

    [TestMethod]
    public void TheSectionShowsEveryClassWithRowsAndTheirMean()
    {
        var section = OneAgainstRest.Of(s_scores, s_labels, s_classes).Sections().Single();

        var table = section.Blocks.OfType<ReportBlock.Table>().Single();
        CollectionAssert.AreEqual(new[] { "a", "b", "c", "" }, table.Rows.Select(row => row[0].Tags[0].Name).ToList());
        Assert.AreEqual("mean of all classes", table.Rows[^1][0].Tags[0].Value);
        Assert.AreEqual(FormattableString.Invariant($"{s_fixture.Number("macroRocAuc"):0.000}"), table.Rows[^1][2].Tags[0].Value);
        Assert.AreEqual("1 of the classes have no validation row.", section.Blocks.OfType<ReportBlock.Paragraph>().Last().Text);
        foreach (var chart in section.Blocks.OfType<ReportBlock.Charts>().Single().All)
            Assert.AreEqual(4, chart.Series.Count(series => series.Look != SeriesLook.Guide), "two others, the lowest, the mean");
    }

    [TestMethod]
    public void OfManyClassesTheEightWithTheLowestAveragePrecisionAreShown()
    {
        const int Classes = 30;
        var random = new Random(1);
        float[] labels = [.. Enumerable.Range(0, 300).Select(row => (float)(row % Classes))];
        float[] scores = [.. Enumerable.Range(0, 300 * Classes).Select(at =>
            random.NextSingle() + (at % Classes == at / Classes % Classes ? at % Classes / 10f : 0))];
        var names = Enumerable.Range(0, Classes).Select(c => $"class {c}").ToArray();
        var curves = OneAgainstRest.Of(scores, labels, names);

        var section = curves.Sections().Single();

        var shown = section.Blocks.OfType<ReportBlock.Table>().Single().Rows.Select(row => row[0].Tags[0].Name).ToList();
        var worst = Enumerable.Range(0, Classes).OrderBy(c => curves.Classes[c].AveragePrecision).Take(8).Select(c => names[c]).ToList();
        CollectionAssert.AreEqual((string[])[.. worst, ""], shown);
        Assert.AreEqual("The 8 of 30 classes with the lowest average precision.",
            section.Blocks.OfType<ReportBlock.Paragraph>().Last().Text);
        Assert.AreEqual(
            $"lowest: {worst[0]}", section.Blocks.OfType<ReportBlock.Charts>().Single().All[0].Series.Single(
                series => series.Look == SeriesLook.Second).Name);
    }

    [TestMethod]
    public void WhereAllRowsHaveOneClassThereIsNoCurve() =>
        Assert.IsEmpty(OneAgainstRest.Of([0.7f, 0.3f, 0.6f, 0.4f], [0, 0], ["a", "b"]).Sections());

    private static double[] Numbers(string name) => s_fixture.GetProperty(name).Numbers();
}
