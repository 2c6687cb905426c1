using System.Text.Json;

namespace MlNetFineTune.Tool.Tests;

/// <summary>Evaluation, prediction, export and examination.</summary>
[TestClass]
public sealed class ModelTests
{
    private static string Dark => Path.Combine(Samples.TestPhotos, "dark", "0.png");

    private static string Bright => Path.Combine(Samples.TestPhotos, "bright", "0.png");

    [TestMethod]
    public void EvaluationHasMetricsOfEachClass()
    {
        JsonElement json = ToolRun.Done("evaluate", Samples.PhotoModel, Samples.TestPhotos, "--json").Json;

        Assert.AreEqual(2 * Samples.PerClass, json.GetProperty("rows").GetInt32());
        Assert.AreEqual(0, json.GetProperty("unreadable").GetInt32());
        Assert.AreEqual(1, json.GetProperty("accuracy").GetDouble());
        JsonElement dark = json.GetProperty("classes").EnumerateArray().Single(one => one.GetProperty("class").GetString() == "dark");
        Assert.AreEqual(Samples.PerClass, dark.GetProperty("rows").GetInt32());
        Assert.AreEqual(1, dark.GetProperty("recall").GetDouble());
        Assert.AreEqual(Samples.PerClass, json.GetProperty("confusion")[1][1].GetDouble());
    }

    [TestMethod]
    public void AnEvaluationLeavesOutWhatCannotBeReadAndSaysSo()
    {
        string file = Samples.PathOf("with-bad.csv");
        File.WriteAllLines(file, ["Label,ImagePath", $"dark,{Dark}", "dark,missing.png", $"bright,{Bright}"]);

        ToolRun run = ToolRun.Of("evaluate", Samples.PhotoModel, file, "--json");

        Assert.AreEqual(3, run.ExitCode, run.Error);
        Assert.AreEqual(1, run.Json.GetProperty("unreadable").GetInt32());
        Assert.AreEqual(1, run.Json.GetProperty("accuracy").GetDouble());
        StringAssert.Contains(run.Error, "1 of 3 photos cannot be read");
    }

    [TestMethod]
    public void AClassThatTheModelLacksIsNamed()
    {
        string file = Samples.PathOf("other-class.csv");
        File.WriteAllLines(file, ["Label,ImagePath", $"purple,{Dark}"]);

        ToolRun run = ToolRun.Of("evaluate", Samples.PhotoModel, file);

        Assert.AreEqual(1, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, "has the class 'purple', which 'the model' lacks");
    }

    [TestMethod]
    public void PredictionsAreALineEachInTheOrderOfTheInputs()
    {
        string bad = Samples.PathOf("bad.png");
        File.WriteAllText(bad, "This is no picture.");

        ToolRun run = ToolRun.Of("predict", Samples.PhotoModel, Dark, bad, Bright, Samples.PathOf("missing.png"), "--json");

        Assert.AreEqual(3, run.ExitCode, run.Error);
        JsonElement[] rows = [.. run.Lines.Select(line => JsonDocument.Parse(line).RootElement)];
        CollectionAssert.AreEqual(
            new[] { "dark", null, "bright", null }, rows.Select(row => row.GetProperty("class").GetString()).ToArray());
        Assert.AreEqual(Dark, rows[0].GetProperty("input").GetString());
        JsonElement probabilities = rows[0].GetProperty("probabilities");
        Assert.AreEqual(1, probabilities.EnumerateObject().Sum(one => one.Value.GetDouble()), 1e-5);
        Assert.AreEqual(rows[0].GetProperty("probability").GetDouble(), probabilities.GetProperty("dark").GetDouble());
        StringAssert.StartsWith(rows[1].GetProperty("error").GetString(), "it is not a picture in a known format");
        Assert.AreEqual("there is no such file", rows[3].GetProperty("error").GetString());
    }

    [TestMethod]
    public void AFolderIsAllOfItsPhotosAndATableShowsThem()
    {
        ToolRun run = ToolRun.Done("predict", Samples.PhotoModel, Samples.TestPhotos);

        Assert.HasCount(2 * Samples.PerClass, run.Lines.Where(line => line.Contains(".png", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void AFolderWithoutPhotosIsNamed()
    {
        string folder = Directory.CreateDirectory(Samples.PathOf("no-photos")).FullName;

        ToolRun run = ToolRun.Of("predict", Samples.PhotoModel, folder);

        Assert.AreEqual(1, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, $"The folder '{folder}' has no photos.");
    }

    [TestMethod]
    public void LinesOfStandardInputArePathsAndCsvIsQuoted()
    {
        string strange = Path.Combine(Samples.PathOf("a, \"b\".png"));
        File.Copy(Dark, strange, overwrite: true);

        ToolRun run = ToolRun.With($"{strange}\n{Bright}\n", "predict", Samples.PhotoModel, "--csv");

        Assert.AreEqual(0, run.ExitCode, run.Error);
        Assert.AreEqual("input,class,probability,error,bright,dark", run.Lines[0]);
        StringAssert.StartsWith(run.Lines[1], $"\"{strange.Replace("\"", "\"\"")}\",dark,");
        StringAssert.StartsWith(run.Lines[2], $"{Bright},bright,");
    }

    [TestMethod]
    public void TextsAreTrainedMeasuredAndPredicted()
    {
        JsonElement metrics = ToolRun.Done("evaluate", Samples.TextModel, Samples.Texts, "--json").Json;
        ToolRun given = ToolRun.Done(
            "predict", Samples.TextModel, "--text", "Where is my parcel?", "--text", "Pay the bill today.", "--json");
        ToolRun piped = ToolRun.With("Where is my parcel?\n", "predict", Samples.TextModel, "--json");

        Assert.IsGreaterThan(0.8, metrics.GetProperty("accuracy").GetDouble());
        CollectionAssert.AreEqual(new[] { "question", "order" }, given.Lines
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("class").GetString()).ToArray());
        StringAssert.Contains(piped.Output, "\"class\":\"question\"");
    }

    [TestMethod]
    [DataRow("32", 1e-4)]
    [DataRow("16", 1e-2)]
    [DataRow("8", 0.5)]
    public void AnExportIsChecked(string bits, double tolerance)
    {
        string onnx = Samples.PathOf($"photos-{bits}.onnx");

        JsonElement json = ToolRun.Done(
            "export", Samples.PhotoModel, onnx, "--bits", bits, "--sample", Samples.Photos, "--json").Json;

        Assert.AreEqual(2 * Samples.PerClass, json.GetProperty("checkedRows").GetInt32());
        Assert.IsLessThanOrEqualTo(tolerance, json.GetProperty("largestDifference").GetDouble());
        Assert.AreEqual(0, json.GetProperty("otherClasses").GetInt32());
        Assert.AreEqual(new FileInfo(onnx).Length, json.GetProperty("bytes").GetInt64());
    }

    [TestMethod]
    public void AnExportOfTextsIsCheckedOnGeneratedRows()
    {
        JsonElement json = ToolRun.Done("export", Samples.TextModel, Samples.PathOf("texts.onnx"), "--json").Json;

        Assert.IsGreaterThan(0, json.GetProperty("checkedRows").GetInt32());
        Assert.IsLessThanOrEqualTo(1e-4, json.GetProperty("largestDifference").GetDouble());
    }

    [TestMethod]
    public void AnExportThatFailsItsCheckLeavesTheFormerFile()
    {
        string folder = Directory.CreateDirectory(Samples.PathOf("failed-export")).FullName, onnx = Path.Combine(folder, "m.onnx");
        File.WriteAllText(onnx, "the former file");
        string card = Path.Combine(folder, "card.md"), rows = Samples.PathOf("unreadable.csv");
        File.WriteAllLines(rows, ["Label,ImagePath", "dark,missing.png"]);

        ToolRun run = ToolRun.Of("export", Samples.PhotoModel, onnx, "--sample", rows, "--card", card);

        Assert.AreEqual(1, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, "None of the rows for the check of the exported file could be read.");
        Assert.AreEqual("the former file", File.ReadAllText(onnx));
        CollectionAssert.AreEqual(new[] { onnx }, Directory.GetFileSystemEntries(folder));
    }

    [TestMethod]
    public void EightBitsNeedRows()
    {
        ToolRun run = ToolRun.Of("export", Samples.PhotoModel, Samples.PathOf("no.onnx"), "--bits", "8");

        Assert.AreEqual(1, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, "--bits 8 needs --sample DATA");
    }

    [TestMethod]
    public void AnExaminationFindsACopyAndWritesAPage()
    {
        string copy = Path.Combine(Samples.PathOf("copied"), "dark");
        Directory.CreateDirectory(copy);
        Directory.CreateDirectory(Path.Combine(Samples.PathOf("copied"), "bright"));
        File.Copy(Path.Combine(Samples.Photos, "dark", "3.png"), Path.Combine(copy, "same.png"), overwrite: true);
        File.Copy(Bright, Path.Combine(Samples.PathOf("copied"), "bright", "other.png"), overwrite: true);
        string page = Samples.PathOf("findings.html");

        JsonElement json = ToolRun.Done(
            "examine", Samples.Photos, "--test", Samples.PathOf("copied"), "--backbone", "micro", "--weights", Samples.Weights,
            "--report", page, "--json").Json;

        Assert.IsTrue(json.GetProperty("findings").EnumerateArray().Any(finding =>
            finding.GetProperty("kind").GetString() == "duplicateAcrossSplits"
                && finding.GetProperty("path").GetString() == Path.Combine(copy, "same.png")));
        StringAssert.Contains(File.ReadAllText(page), "same.png");
    }

    [TestMethod]
    public void WhatIsNoModelIsSaidToBeNone()
    {
        string text = Samples.PathOf("no-model.zip"), empty = Samples.PathOf("empty.zip");
        File.WriteAllText(text, "This is no zip.");
        using (var archive = System.IO.Compression.ZipFile.Open(empty, System.IO.Compression.ZipArchiveMode.Update))
            archive.CreateEntry("other.txt");

        foreach ((string path, string says) in new[]
        {
            (text, "is no model that can be loaded"), (empty, "is no model that can be loaded"),
            (Samples.PathOf("missing.zip"), "There is no file"),
        })
        {
            ToolRun run = ToolRun.Of("predict", path, Dark);
            Assert.AreEqual(1, run.ExitCode, run.Error);
            StringAssert.Contains(run.Error, says);
            StringAssert.Contains(run.Error, path);
            Assert.HasCount(1, run.Error.Trim().Split('\n'), run.Error);
        }
    }
}
