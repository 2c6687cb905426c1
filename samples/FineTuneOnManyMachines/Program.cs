using System.Globalization;
using Microsoft.ML;
using MlNetFineTune;
using QuickStart;
using SkiaSharp;

// One training in several processes, on one machine or many: the same program, started by mpirun. run.sh starts two processes here;
// docs/processes.md shows several machines, Slurm and Kubernetes. Without mpirun it trains alone, to the same model.
// --output FILE: the model. --checkpoints FOLDER: after an interruption the same command, with any number of processes, goes on from
// there. --smoke: few photos and epochs, a quick test.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
bool smoke = args.Contains("--smoke");
string? checkpoints = After("--checkpoints");

ProcessGroup processes = ProcessGroup.Mpi();
// A GPU for each process of a machine would be: new MLContext(seed: 1) { GpuDeviceId = processes.LocalRank }
var ml = new MLContext(seed: 1);

// The drawn photos are the same in every process. Your own come from a folder or a database that all machines see.
IDataView train = ml.Data.LoadFromEnumerable(Draw(seed: 1, smoke ? 10 : 150).ToList());
IDataView test = ml.Data.LoadFromEnumerable(Draw(seed: ~1, smoke ? 5 : 50).ToList());

var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
    .Append(ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
    {
        Backbone = Backbone.Micro.WithWeights(Path.Combine(AppContext.BaseDirectory, "Assets", "micro.safetensors")),
        ImageColumnName = "Photo",
        Strategy = Strategy.Full(layerDecay: 0.7f),
        Augmentation = Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea: 0.5f), Augmentation.HorizontalFlip()),
        Epochs = smoke ? 2 : 15,
        LearningRate = 5e-3f,
        Progress = new EpochLines(),                                     // only process 0 reports
        Checkpoint = checkpoints is null ? TrainingCheckpoint.None : TrainingCheckpoint.EveryEpochs(checkpoints),
        Processes = processes,                                           // that is all
    }))
    .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));

using var model = pipeline.Fit(train);

// All processes have the model now; the first one writes it, and the others end when it is done.
if (processes.Rank == 0)
{
    string zip = After("--output") ?? Path.Combine(Directory.CreateTempSubdirectory("many-machines-").FullName, "model.zip");
    ml.Model.Save(model, train.Schema, zip);
    var metrics = ml.MulticlassClassification.Evaluate(model.Transform(test));
    Console.WriteLine($"Model: {zip}");
    Console.WriteLine($"processes={processes.Size} accuracy={metrics.MicroAccuracy:0.00} f1={metrics.F1().Macro:0.00}");
}
return 0;

string? After(string option) => Array.IndexOf(args, option) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;

static IEnumerable<Upload> Draw(int seed, int perKind)
{
    foreach (string kind in SurfaceImages.Kinds)
    {
        for (int i = 0; i < perKind; i++)
        {
            using SKBitmap picture = SurfaceImages.Draw(seed, kind, i);
            using SKData jpeg = picture.Encode(SKEncodedImageFormat.Jpeg, quality: 90);
            yield return new Upload { Label = kind, Photo = jpeg.ToArray() };
        }
    }
}

internal sealed class Upload
{
    public string Label { get; set; } = "";

    public byte[] Photo { get; set; } = [];
}

internal sealed class EpochLines : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Activity == TrainingActivity.EpochCompleted)
            Console.WriteLine($"Epoch {value.Epoch} of {value.Epochs}: loss {value.Loss:0.000}, {value.Elapsed.TotalSeconds:0} s");
    }
}
