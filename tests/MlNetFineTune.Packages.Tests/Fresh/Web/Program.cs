// Fine-tunes when it starts, and then classifies. Arguments: as of the console program, and the address to listen to.
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;

var ml = new MLContext(seed: 1);
var photos = ml.Data.LoadImageFolder(Path.Combine(args[0], "train"));
var options = new ImageFineTuningOptions { Backbone = Backbone.Micro.WithWeights(args[1]) };
using var model = ml.Transforms.Conversion.MapValueToKey("Label")
    .Append(ml.MulticlassClassification.Trainers.FineTuneImages(options)).Fit(photos);
var onnx = Path.Combine(args[2], "web.onnx");
ml.FineTuning.ExportOnnx(model, onnx);

var example = new Photo { ImagePath = photos.GetColumn<string>("ImagePath").First() };
await using var predictor = ml.Model.CreatePredictor<Photo, Prediction>(model, example: example);

var app = WebApplication.CreateBuilder().Build();
app.MapPost("/classify", (Photo photo, CancellationToken aborted) => predictor.PredictAsync(photo, aborted));
app.MapGet("/photos.onnx", () => Results.File(onnx));
await app.RunAsync(args[3]);

internal sealed class Photo
{
    public string ImagePath { get; set; } = "";

    public string Label { get; set; } = "";
}

internal sealed class Prediction
{
    public float[] Score { get; set; } = [];
}
