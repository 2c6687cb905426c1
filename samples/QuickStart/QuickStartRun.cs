using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using MlNetFineTune;

namespace QuickStart;

/// <summary>All steps: photos, training, evaluation, model file, prediction.</summary>
internal static class QuickStartRun
{
    public static int Start(QuickStartSettings settings)
    {
        var ml = new MLContext(settings.Seed);
        string temporary = Path.Combine(Path.GetTempPath(), $"quickstart-{Guid.NewGuid():N}"); // for this run only
        PhotoFolders folders = settings.Photos ?? DrawPhotos(temporary, settings);
        IDataView train = ml.Data.LoadImageFolder(folders.Train), test = ml.Data.LoadImageFolder(folders.Test);
        string[] trainLabels = [.. train.GetColumn<string>("Label")], testLabels = [.. test.GetColumn<string>("Label")];
        if (testLabels.Except(trainLabels).FirstOrDefault() is { } unknown)
            throw new InvalidDataException($"'{folders.Test}' has the class '{unknown}', which '{folders.Train}' lacks.");
        PhotoScreen.ShowData(folders, trainLabels, testLabels);

        if (settings.Examine is { } page)
        {
            Screen.Title("Examination");
            PhotoScreen.ShowExamination(PhotoClassifier.Examine(ml, train, test, settings.Backbone, page.FullName), page.FullName);
        }

        Screen.Title("Training");
        using TransformerChain<KeyToValueMappingTransformer> model = Train(ml, train, settings);
        var classifier = model.OfType<FineTuningTransformer>().Single();
        Screen.ShowTraining(classifier.Report!, "photos");

        Screen.Title("Test photos, which the training has not seen");
        MulticlassClassificationMetrics metrics = PhotoClassifier.Evaluate(ml, model, test);
        Screen.ShowMetrics(metrics, classifier.Classes);
        if (settings.Coverage is not null)
            Console.WriteLine($"A person should check {PhotoClassifier.CountRejected(model, test)} of {testLabels.Length} photos.");

        Screen.Title("Model");
        string zip = settings.Output?.FullName ?? Path.Combine(Directory.CreateDirectory(temporary).FullName, "model.zip");
        ml.Model.Save(model, train.Schema, zip);
        Screen.ShowFile(zip);
        if (settings.Explain is { } explained)
            PhotoClassifier.Explain(ml, model, test, explained.FullName);

        Photo photo = ml.Data.CreateEnumerable<Photo>(test, reuseRowObject: false).ElementAt(testLabels.Length / 2);
        PhotoScreen.ShowPrediction(photo, PredictInFreshContext(zip, photo));

        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"accuracy={metrics.MicroAccuracy:0.00} f1={metrics.F1().Macro:0.00}"));
        return 0;
    }

    private static PhotoFolders DrawPhotos(string folder, QuickStartSettings settings)
    {
        var folders = new PhotoFolders(Path.Combine(folder, "train"), Path.Combine(folder, "test"));
        // Training and test use different seeds, so that no test photo is a training photo.
        SurfaceImages.WriteFolder(folders.Train, seed: settings.Seed, settings.ImagesPerKind.Train);
        SurfaceImages.WriteFolder(folders.Test, seed: ~settings.Seed, settings.ImagesPerKind.Test);
        return folders;
    }

    private static TransformerChain<KeyToValueMappingTransformer> Train(MLContext ml, IDataView photos, QuickStartSettings settings)
    {
        using var keys = new CtrlC();
        using var display = new TrainingDisplay(ml, "FineTuneImages", "photos");
        return display.While(progress => PhotoClassifier.Train(ml, photos, new ImageFineTuningOptions
        {
            Backbone = settings.Backbone,
            Strategy = settings.Strategy,
            Augmentation = settings.Augmentation,
            Epochs = settings.Epochs,
            LearningRate = settings.LearningRate,
            RunFolder = settings.RunFolder?.FullName,
            Conformal = settings.Coverage is { } coverage ? new ConformalPrediction { Coverage = coverage } : null,
            Progress = progress,
            StopToken = keys.StopToken,
            CancellationToken = keys.CancellationToken,
        }));
    }

    private static PhotoPrediction PredictInFreshContext(string zip, Photo photo)
    {
        var ml = new MLContext();
        ITransformer model = ml.Model.Load(zip, out _);
        using var owner = model as IDisposable;
        return PhotoClassifier.Predict(ml, model, photo);
    }
}
