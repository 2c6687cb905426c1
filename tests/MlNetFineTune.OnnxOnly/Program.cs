// Scores the pictures whose paths follow with a chain of stock transformers, and prints for each the class and the probabilities.
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;

var ml = new MLContext();
var model = ml.Model.Load(args[0], out _);
var scored = model.Transform(ml.Data.LoadFromEnumerable(args.Skip(1).Select(path => new Picture { ImagePath = path, Label = "dots" })));
var named = ml.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(scored).Transform(scored);
foreach (var (name, scores) in named.GetColumn<string>("PredictedLabel").Zip(named.GetColumn<float[]>("Score")))
    Console.WriteLine($"{name} {string.Join(' ', scores.Select(score => score.ToString("R", CultureInfo.InvariantCulture)))}");

var foreign = AppDomain.CurrentDomain.GetAssemblies().Select(assembly => assembly.GetName().Name!)
    .Where(name => name is "TorchSharp" or "MlNetFineTune" or "MlNetFineTune.Onnx").ToList();
Console.WriteLine(foreign.Count == 0 ? "neither TorchSharp nor MlNetFineTune is loaded" : $"loaded: {string.Join(", ", foreign)}");

internal sealed class Picture
{
    public string ImagePath { get; set; } = "";

    public string Label { get; set; } = "";
}
