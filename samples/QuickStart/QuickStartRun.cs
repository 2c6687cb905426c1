using System.Globalization;
using Microsoft.ML;
using MlNetFineTune;
using MlNetFineTune.Tool;

namespace QuickStart;

/// <summary>All steps: photos, training, evaluation, model file (those of <c>finetune train</c>), prediction.</summary>
internal static class QuickStartRun
{
    public static int Start(QuickStartSettings settings)
    {
        var ml = new MLContext(settings.Seed);
        string temporary = Path.Combine(Path.GetTempPath(), $"quickstart-{Guid.NewGuid():N}"); // for this run only
        (string trainFolder, string testFolder) = settings.Photos ?? DrawPhotos(temporary, settings);
        var columns = new ColumnNames();
        LabeledRows train = LabeledRows.Read(ml, trainFolder, columns), test = LabeledRows.Read(ml, testFolder, columns);
        string zip = settings.Output?.FullName ?? Path.Combine(Directory.CreateDirectory(temporary).FullName, "model.zip");

        TrainResult result = TrainRun.Start(ml, new TrainSettings(train, test, settings.Options, zip)
        {
            Examine = settings.Examine?.FullName,
            Explain = settings.Explain?.FullName,
        });

        PhotoRow photo = ml.Data.CreateEnumerable<PhotoRow>(test.View, reuseRowObject: false).ElementAt(test.Labels.Count / 2);
        using Classifier classifier = Classifier.Open(new MLContext(), zip);
        Prediction prediction = classifier.Predict([photo.ImagePath]).Single();
        Screen.Line($"Loaded in a fresh MLContext, it says of {photo.Label}/{Path.GetFileName(photo.ImagePath)}: "
            + $"{prediction.Class ?? prediction.Error}, probability {prediction.Probability:0.00}");
        Screen.Line(string.Create(CultureInfo.InvariantCulture, $"accuracy={result.Test!.Accuracy:0.00} f1={result.Test.F1:0.00}"));
        return CommandRun.Done;
    }

    private static (string Train, string Test) DrawPhotos(string folder, QuickStartSettings settings)
    {
        (string train, string test) = (Path.Combine(folder, "train"), Path.Combine(folder, "test"));
        // Training and test use different seeds, so that no test photo is a training photo.
        SurfaceImages.WriteFolder(train, seed: settings.Seed, settings.ImagesPerKind.Train);
        SurfaceImages.WriteFolder(test, seed: ~settings.Seed, settings.ImagesPerKind.Test);
        return (train, test);
    }
}
