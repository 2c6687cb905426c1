using System.Globalization;
using Microsoft.ML;
using MlNetFineTune;
using QuickStart;

namespace PhotoDesk;

/// <summary>
/// <c>-- first-model FILE</c> trains the initial model of every desk from the micro network on the embedded pictures that are not held out.
/// For the developers of this sample: the result is in Assets.
/// </summary>
internal static class FirstModel
{
    public static string EmbeddedPath => Path.Combine(AppContext.BaseDirectory, "Assets", "first-model.zip");

    public static int Make(string path)
    {
        var ml = new MLContext(seed: 1);
        var pictures = EmbeddedPictures.Draw(new PhotoDeskOptions().EmbeddedPerClass)
            .ToLookup(picture => PhotoSides.Of(PhotoSides.HashOf(picture.Content)));
        var options = ModelTraining.OptionsFor(
            Backbone.Micro.WithWeights(Path.Combine(AppContext.BaseDirectory, "Assets", "micro.safetensors"))) with
        {
            Epochs = 15,
            LearningRate = 5e-3f,
        };
        using var model = ModelTraining.Fit(
            ml, SurfaceImages.Kinds, Rows(PhotoSide.Training), Rows(PhotoSide.Validation), options, out var report);
        using var half = ModelTraining.Chain(ml, model.OfType<FineTuningTransformer>().Single().WithHalfPrecisionWeights());
        ml.Model.SaveAtomically(half, ModelTraining.InputSchema(ml), path);

        var heldOut = ml.Data.LoadFromEnumerable(Rows(PhotoSide.HeldOut));
        var answers = ml.Data.CreateEnumerable<ScoredRow>(half.Transform(heldOut), reuseRowObject: false).Select(row => row.PredictedLabel);
        var quality = Comparison.QualityOf(SurfaceImages.Kinds, [.. Rows(PhotoSide.HeldOut).Select(row => row.Label).Zip(answers)]);
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{path}: epoch {report.BestEpoch}, "
                + $"{report.TrainingRows} training and {report.ValidationRows} validation pictures, {report.Duration.TotalSeconds:0} s"));
        Console.WriteLine(
            FormattableString.Invariant($"held out: {quality.HeldOut} pictures, accuracy={quality.Accuracy:0.000} f1={quality.F1:0.000}"));
        foreach (var (label, threshold) in report.Calibration!.RejectThresholds)
            Console.WriteLine(FormattableString.Invariant($"{label}: sure from {threshold}"));
        return 0;

        IEnumerable<LabelledRow> Rows(PhotoSide side) => pictures[side]
            .Select(picture => new LabelledRow { Label = picture.Label, Photo = picture.Content, Weight = 1 });
    }
}
