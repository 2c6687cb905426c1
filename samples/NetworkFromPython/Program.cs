using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;
using QuickStart;
using SkiaSharp;

// Fine-tunes a network that was written and pretrained in Python (export.py), without reimplementing it in C#. --smoke: few pictures and
// epochs, a quick test.
bool smoke = args is ["--smoke"];
if (!smoke && args.Length > 0)
{
    Console.Error.WriteLine("The only option is --smoke.");
    return 1;
}

var ml = new MLContext(seed: 1);
IDataView train = ml.Data.LoadFromEnumerable(Draw(seed: 1, smoke ? 10 : 100).ToList());
IDataView test = ml.Data.LoadFromEnumerable(Draw(seed: ~1, smoke ? 5 : 50).ToList());

// A TorchScript file does not contain its preprocessing: use that of its training.
var preprocessing = new ImagePreprocessing { Size = 96, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half };
var network = Backbone.FromTorchScript(Path.Combine(AppContext.BaseDirectory, "Assets", "micro.pt"), preprocessing);
Console.WriteLine($"Network: {network}, stages {string.Join(", ", network.Stages)}");

var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
    .Append(ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
    {
        Backbone = network,
        ImageColumnName = "Photo",
        Augmentation = Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea: 0.5f), Augmentation.HorizontalFlip()),
        Epochs = smoke ? 2 : 10,
        LearningRate = 5e-3f,
    }))
    .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));

using var model = pipeline.Fit(train);
MulticlassClassificationMetrics metrics = ml.MulticlassClassification.Evaluate(model.Transform(test));

// The zip contains the TorchScript program: an application needs neither Python nor micro.pt.
string zip = Path.Combine(Directory.CreateTempSubdirectory("network-from-python-").FullName, "model.zip");
ml.Model.Save(model, train.Schema, zip);
var fresh = new MLContext();
using var engine = fresh.Model.CreatePredictionEngine<Photograph, Answer>(fresh.Model.Load(zip, out _));
Photograph picture = Draw(seed: 7, 1).First();
Console.WriteLine($"Model: {zip}; it says of a new picture of {picture.Label}: {engine.Predict(picture).PredictedLabel}");

Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"accuracy={metrics.MicroAccuracy:0.00} f1={metrics.F1().Macro:0.00}"));
return 0;

static IEnumerable<Photograph> Draw(int seed, int perKind)
{
    foreach (string kind in SurfaceImages.Kinds)
    {
        for (int i = 0; i < perKind; i++)
        {
            using SKBitmap picture = SurfaceImages.Draw(seed, kind, i);
            using SKData jpeg = picture.Encode(SKEncodedImageFormat.Jpeg, quality: 90);
            yield return new Photograph { Label = kind, Photo = jpeg.ToArray() };
        }
    }
}

internal sealed class Photograph
{
    public string Label { get; set; } = "";

    public byte[] Photo { get; set; } = [];
}

internal sealed class Answer
{
    public string PredictedLabel { get; set; } = "";
}
