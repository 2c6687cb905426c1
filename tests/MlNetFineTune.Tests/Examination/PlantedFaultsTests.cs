using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Benchmarks;
using MlNetFineTune.Tests.Support;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Tests.Examination;

/// <summary>
/// What is found of faults planted in real photos. The floors are below the numbers of docs/examine.md, which are of three seeds.
/// </summary>
[TestClass]
[TestCategory(Categories.Slow)]
public sealed class PlantedFaultsTests
{
    [TestMethod]
    public void WrongLabelsAndCopiesAmongAntsAndBeesAreFound()
    {
        var (train, test) = (Photos("train"), Photos("val"));
        using var folder = new Folder();
        var random = new Random(1);
        PlantedFaults.FlipLabels([.. train, .. test], 0.05, random);
        var copies = PlantedFaults.Copies(train, 20, Directory.CreateDirectory(folder.File("copies")).FullName, random);
        List<PlantedPhoto> blurred = [.. train.Take(10).Select((photo, place) =>
        {
            var path = folder.File(FormattableString.Invariant($"{place}.jpg"));
            PlantedFaults.WriteBlurred(photo.ImagePath, path, deviation: 3);
            return new PlantedPhoto { ImagePath = path, Label = photo.Label, TrueLabel = photo.TrueLabel };
        })];
        (train, test) = ([.. train, .. copies.Take(10)], [.. test, .. copies.Skip(10), .. blurred]);
        var ml = new MLContext(seed: 1);

        var found = ml.FineTuning.Examine(ml.Data.LoadFromEnumerable(train), ml.Data.LoadFromEnumerable(test), new ExaminationOptions
        {
            Backbone = Backbone.MobileNetV2.WithWeights(SharedData.RequireOrSkip("weights/mobilenetv2_100.safetensors")),
        });

        PlantedPhoto[] all = [.. train, .. test];
        float[] suspected = [.. found.Train.GetColumn<float>("IsLikelyLabelError"), .. found.Test!.GetColumn<float>("IsLikelyLabelError")];
        var wrong = all.Count(photo => photo.Label != photo.TrueLabel);
        var right = all.Zip(suspected).Count(row => row.Second == 1 && row.First.Label != row.First.TrueLabel);
        Assert.IsGreaterThan(0.5 * wrong, right, "recall of wrong labels");
        Assert.IsGreaterThan(0.6 * suspected.Sum(), right, "their precision");

        var paths = found.Findings.Where(finding => finding.OtherRow is not null)
            .Select(finding => (finding.Path!, finding.OtherPath!)).ToHashSet();
        var copied = copies.Count(copy => paths.Contains((copy.ImagePath, copy.CopyOf)));
        Assert.IsGreaterThanOrEqualTo(18, copied, "recall of copies");
        HashSet<string> made = [.. copies.Concat(blurred).Select(photo => photo.ImagePath)];
        Assert.IsLessThanOrEqualTo(1, paths.Count(pair => !made.Contains(pair.Item1)), "pairs that were not planted");

        var unsharp = found.Of(FindingKind.Blurred).Select(finding => finding.Path!).ToHashSet();
        Assert.IsGreaterThanOrEqualTo(9, unsharp.Count(made.Contains), "recall of blurred photos");
        Assert.IsLessThanOrEqualTo(5, unsharp.Count(path => !made.Contains(path)), "of 397 photos");
        Assert.IsEmpty(found.Findings.Where(finding => finding.Kind is FindingKind.Blank or FindingKind.Tiny or FindingKind.Unreadable));
    }

    private static List<PlantedPhoto> Photos(string part) =>
    [
        .. Directory.EnumerateFiles(SharedData.RequireOrSkip($"data/ants-bees/{part}"), "*.jpg", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Select(path => (Path: path, Label: Path.GetFileName(Path.GetDirectoryName(path)!)))
            .Select(photo => new PlantedPhoto { ImagePath = photo.Path, Label = photo.Label, TrueLabel = photo.Label }),
    ];
}
