using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;
using PhotosInSqlite;
using QuickStart;
using SkiaSharp;

// Photos in a database as BLOBs: generates some, stores them in a SQLite file, fine-tunes from the BLOB column, saves, loads, predicts.
// --smoke: few photos and epochs, a quick test.
bool smoke = args is ["--smoke"];
if (!smoke && args.Length > 0)
{
    Console.Error.WriteLine("The only option is --smoke.");
    return 1;
}

string folder = Directory.CreateTempSubdirectory("photos-in-sqlite-").FullName;
string database = Path.Combine(folder, "photos.db"), zip = Path.Combine(folder, "model.zip");
PhotoDatabase.Create(database, [.. Draw("train", seed: 1, smoke ? 10 : 150), .. Draw("test", seed: ~1, smoke ? 5 : 50)]);
Console.WriteLine($"Photos: {database}");

var ml = new MLContext(seed: 1);
IDataView train = PhotoDatabase.Load(ml, database, "train"), test = PhotoDatabase.Load(ml, database, "test");

var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
    .Append(ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
    {
        Backbone = Backbone.Micro.WithWeights(Path.Combine(AppContext.BaseDirectory, "Assets", "micro.safetensors")),
        ImageColumnName = "Photo",
        ImageStatusColumnName = "Status",
        Augmentation = Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea: 0.5f), Augmentation.HorizontalFlip()),
        Epochs = smoke ? 2 : 15,
        LearningRate = 5e-3f,
        BadRows = BadRows.Skip(),
        Progress = new EpochLines(),
    }))
    .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));

using var model = pipeline.Fit(train);
MulticlassClassificationMetrics metrics = ml.MulticlassClassification.Evaluate(model.Transform(test));
ml.Model.Save(model, train.Schema, zip);
Console.WriteLine($"Model: {zip}");

// As in another program, with the bytes of a photo received over a network.
var fresh = new MLContext();
using (var engine = fresh.Model.CreatePredictionEngine<Upload, Answer>(fresh.Model.Load(zip, out _)))
{
    foreach (byte[] photo in (byte[][])[Draw("upload", seed: 7, 1).First().File, "no photo"u8.ToArray()])
    {
        Answer answer = engine.Predict(new Upload { Photo = photo });
        Console.WriteLine(answer.Status
            == "" ? $"A new photo: {answer.PredictedLabel} ({answer.Score.Max():P0})" : $"Another upload: {answer.Status}");
    }
}

Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"accuracy={metrics.MicroAccuracy:0.00} f1={metrics.F1().Macro:0.00}"));
return 0;

static IEnumerable<(string Part, string Label, byte[] File)> Draw(string part, int seed, int perKind)
{
    foreach (string kind in SurfaceImages.Kinds)
    {
        for (int i = 0; i < perKind; i++)
        {
            using SKBitmap picture = SurfaceImages.Draw(seed, kind, i);
            using SKData jpeg = picture.Encode(SKEncodedImageFormat.Jpeg, quality: 90);
            yield return (part, kind, jpeg.ToArray());
        }
    }
}

internal sealed class Upload
{
    public string Label { get; set; } = "";

    public byte[] Photo { get; set; } = [];
}

internal sealed class Answer
{
    public string PredictedLabel { get; set; } = "";

    public float[] Score { get; set; } = [];

    public string Status { get; set; } = "";
}

internal sealed class EpochLines : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Activity == TrainingActivity.EpochCompleted)
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture,
                    $"Epoch {value.Epoch} of {value.Epochs}: validation accuracy {value.ValidationAccuracy:0.00}, "
                    + $"{value.Elapsed.TotalSeconds:0} s"));
    }
}
