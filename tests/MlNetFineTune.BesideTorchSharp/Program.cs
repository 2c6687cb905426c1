// ML.NET's package Microsoft.ML.TorchSharp and this library in one process. Prints this library's scores of pictures, and how trainers of
// that package end. Arguments: "ours" or "theirs", whichever shall use libtorch first; a model; a folder for weights; pictures.
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.BesideTorchSharp;

var (first, zip, folder, pictures) = (args[0], args[1], args[2], args[3..]);

if (first == "ours")
    ShowOurs("before");
TheirTrainers.Show(folder);
ShowOurs("after");

void ShowOurs(string when)
{
    var ml = new MLContext();
    var model = ml.Model.Load(zip, out _);
    using var owner = (IDisposable)model;
    var scored = model.Transform(ml.Data.LoadFromEnumerable(pictures.Select(path => new Picture { ImagePath = path })));
    Console.WriteLine($"{when} " + string.Join('|', scored.GetColumn<float[]>("Score")
        .Select(row => string.Join(' ', row.Select(score => score.ToString("R", CultureInfo.InvariantCulture))))));
}

internal sealed class Picture
{
    public string ImagePath { get; set; } = "";

    public string Label { get; set; } = "dots";
}
