// Fine-tunes, scores, saves, loads and exports. Prints what the tests compare.
// Arguments: a folder with the folders train and test, the weights of the micro network, and a folder for what it writes.
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;

var pictures = Path.GetFullPath(args[0]);
var backbone = Backbone.Micro.WithWeights(Path.GetFullPath(args[1]));
Directory.SetCurrentDirectory(args[2]);

var ml = new MLContext(seed: 1);
var photos = ml.Data.LoadImageFolder(Path.Combine(pictures, "train"));
var test = ml.Data.LoadImageFolder(Path.Combine(pictures, "test"));
// Without a launcher of MPI: one process.
var options = new ImageFineTuningOptions { Backbone = backbone, Processes = ProcessGroup.Mpi() };
using var model = ml.Transforms.Conversion.MapValueToKey("Label")
    .Append(ml.MulticlassClassification.Trainers.FineTuneImages(options)).Fit(photos);
Show("trained", model.Transform(test));
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture, $"accuracy {ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy}"));

ml.Model.Save(model, photos.Schema, "photos.zip");
var other = new MLContext();
var loaded = other.Model.Load("photos.zip", out _);
Show("loaded", loaded.Transform(test));
Show("onnxruntime", model.LastTransformer.WithOnnxRuntime().Transform(test));

ml.FineTuning.ExportOnnx(model, "photos.onnx");

ITransformer stock = ml.FineTuning.ToOnnxPipeline(model, photos.Schema);
ml.Model.Save(stock, photos.Schema, "photos-stock.zip");
Show("stock", stock.Transform(test));

var photo = File.ReadAllBytes(test.GetColumn<string>("ImagePath").First());
var contents = ml.Data.LoadFromEnumerable([new Content { Image = photo }]);
using var features = ml.Transforms.ExtractImageFeatures("Features", "Image", backbone).Fit(contents);
using var generator = ml.FineTuning.CreateImageEmbeddingGenerator(features);
var embeddings = await generator.GenerateAsync([new DataContent(photo, "image/bmp")]);
Console.WriteLine($"embedding {embeddings.Single().Vector.Length}");

Console.WriteLine($"runtime {RuntimeInformation.FrameworkDescription}");
Console.WriteLine($"built for {typeof(Backbone).Assembly.GetCustomAttribute<TargetFrameworkAttribute>()!.FrameworkName}");
((IDisposable)loaded).Dispose();

static void Show(string what, IDataView scored) => Console.WriteLine($"{what} " + string.Join('|', scored.GetColumn<float[]>("Score")
    .Select(row => string.Join(' ', row.Select(score => score.ToString("R", CultureInfo.InvariantCulture))))));

internal sealed class Content
{
    public byte[] Image { get; set; } = [];
}
