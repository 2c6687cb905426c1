// Photo and table columns in one estimator, compared with the photo alone and with LightGBM on the table alone. dotnet run -c Release
// --project samples/TableAndPhoto four kinds of generated fruit; --smoke for a quick test ... -- --cifar <folder with train and test>
// --weights <mobilenetv1_025.safetensors> three seeds on CIFAR-10 with a simulated table
using System.Globalization;
using Microsoft.ML;
using MlNetFineTune;
using TableAndPhoto;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var cifar = After("--cifar");
var smoke = args.Contains("--smoke");
var folder = Directory.CreateTempSubdirectory("table-and-photo-").FullName;
try
{
    Console.WriteLine("seed   photo   LightGBM on the table   both   both, a third of the test photos missing");
    foreach (var seed in smoke ? [1] : (int[])[1, 2, 3])
        Compare(seed);
}
finally
{
    Directory.Delete(folder, recursive: true);
}

void Compare(int seed)
{
    var ml = new MLContext(seed);
    var (train, test) = cifar is null
        ? (DrawnFruit.Draw(folder, smoke ? 200 : 800, seed), DrawnFruit.Draw(folder, 400, seed + 100))
        : (CifarTable.Read(Path.Combine(cifar, "train"), 100, seed), CifarTable.Read(Path.Combine(cifar, "test"), 100, seed + 100));
    var trainView = ml.Data.LoadFromEnumerable(train);
    var testView = ml.Data.LoadFromEnumerable(test);
    var gaps = ml.Data.LoadFromEnumerable(test.Select((item, i) => i % 3 == 0 ? Without(item) : item));

    // Keys for the label and the place; the weight may be NaN, and the place missing.
    var keys = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.Transforms.Conversion.MapValueToKey("PlaceKey", "Place"));
    var photo = cifar is null
        ? new ImageFineTuningOptions
        {
            Backbone = Backbone.Micro.FromScratch() with { Preprocessing = new ImagePreprocessing { Size = 32, CropFraction = 1 } },
            Strategy = Strategy.Full(layerDecay: 1),
            LearningRate = 3e-3f,
            Epochs = smoke ? 4 : 8,
        }
        : new ImageFineTuningOptions
        {
            Backbone = Backbone.MobileNetV1(0.25f).WithWeights(After("--weights")!) is var pretrained
                ? pretrained with { Preprocessing = pretrained.Preprocessing with { Size = 96, CropFraction = 1 } }
                : pretrained,
            Strategy = Strategy.HeadOnly,
            LearningRate = 3e-3f,
            Epochs = 30,
        };
    photo = photo with { ImageColumnName = "Photo", Augmentation = Augmentation.None };
    var both = photo with { TableColumns = ["Weight", "PlaceKey"], MissingPictures = MissingPictures.Allow };
    var trees = ml.Transforms.Conversion.MapKeyToVector("PlaceVector", "PlaceKey")
        .Append(ml.Transforms.Concatenate("Features", "Weight", "PlaceVector"))
        .Append(ml.MulticlassClassification.Trainers.LightGbm());

    // Photos are removed from 20 % of the training rows of the fusion, so that it learns to handle missing photos; it is trained on fewer
    // photos than the network on photos alone.
    var trainWithGaps = ml.Data.LoadFromEnumerable(train.Select((item, i) => i % 5 == 0 ? Without(item) : item));
    var ofPhoto = Accuracy(keys.Append(ml.MulticlassClassification.Trainers.FineTuneImages(photo)), trainView, testView);
    var ofTable = Accuracy(keys.Append(trees), trainView, testView);
    var ofBoth = Accuracy(keys.Append(ml.MulticlassClassification.Trainers.FineTuneImages(both)), trainWithGaps, testView, gaps);
    Console.WriteLine($"{seed,4}{ofPhoto[0],8:0.000}{ofTable[0],24:0.000}{ofBoth[0],7:0.000}{ofBoth[1],42:0.000}");

    double[] Accuracy(IEstimator<ITransformer> pipeline, IDataView rows, params IDataView[] tests)
    {
        var model = pipeline.Fit(rows);
        using var owner = model as IDisposable;
        return [.. tests.Select(view => ml.MulticlassClassification.Evaluate(model.Transform(view)).MicroAccuracy)];
    }
}

static Item Without(Item item) => new() { Label = item.Label, Weight = item.Weight, Place = item.Place };

string? After(string option) => Array.IndexOf(args, option) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
