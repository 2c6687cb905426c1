using System.Globalization;
using FineTuneSafely;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;
using MlNetFineTune.Tool;
using QuickStart;

// A long training that can be interrupted: LoRA adapters on a frozen network, checkpoints from which the same command resumes after Ctrl-C,
// a time budget, a run folder for monitoring, and a file with the adapters only. Press Ctrl-C, and start it again. --smoke: few photos; the
// program stops itself after an epoch and resumes.
bool smoke = args.Contains("--smoke");
string[] folders = [.. args.Where(argument => argument != "--smoke")];
if (folders.Length > 1 || folders.Any(folder => folder.StartsWith('-')))
{
    Console.Error.WriteLine("Usage: [--smoke] [FOLDER]. The folder keeps photos, checkpoints and results; the same folder goes on.");
    return 1;
}

string folder = folders is [var given] ? Path.GetFullPath(given) : smoke
    ? Directory.CreateTempSubdirectory("fine-tune-safely-").FullName
    : Path.Combine(Path.GetTempPath(), "fine-tune-safely");
string adapterFile = Path.Combine(folder, "surfaces.adapter.safetensors");
if (!Directory.Exists(Path.Combine(folder, "test")))
{
    SurfaceImages.WriteFolder(Path.Combine(folder, "train"), seed: 1, smoke ? 10 : 150);
    SurfaceImages.WriteFolder(Path.Combine(folder, "test"), seed: ~1, smoke ? 5 : 50);
}
Console.WriteLine($"Folder: {folder}");

var ml = new MLContext(seed: 1);
IDataView train = ml.Data.LoadImageFolder(Path.Combine(folder, "train")), test = ml.Data.LoadImageFolder(Path.Combine(folder, "test"));
var toKeys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(train);

Backbone backbone = Backbone.Micro.WithWeights(Path.Combine(AppContext.BaseDirectory, "Assets", "micro.safetensors"));
var options = new ImageFineTuningOptions
{
    Backbone = backbone,
    Adapter = Adapter.Lora(rank: 4),                                                   // the network's own weights are frozen
    Strategy = Strategy.LastStages(3),
    Augmentation = Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea: 0.5f), Augmentation.HorizontalFlip()),
    Epochs = smoke ? 3 : 20,
    LearningRate = 1e-2f,
    Checkpoint = TrainingCheckpoint.EveryEpochs(Path.Combine(folder, "checkpoints")),  // the same command resumes, bit-identically
    // over all processes together; then training ends with the best epoch so far
    TimeBudget = TimeSpan.FromMinutes(10),
    OnDivergence = Divergence.ReturnBest(),
    RunFolder = Path.Combine(folder, "run"),                                           // history, TensorBoard events, report.html
};

using var keys = new CtrlC();
using (FineTuningTransformer model = Train(stopsAfter: smoke ? 1 : null))
{
    if (model.Report!.End != TrainingReport.EndReason.Stopped)
        return Finish(model);
    Console.WriteLine("Stopped in good order, with a checkpoint. The same command goes on from there.");
    if (!smoke)
        return 130;
}
using (FineTuningTransformer model = Train(stopsAfter: null))
    return Finish(model);

FineTuningTransformer Train(int? stopsAfter)
{
    using var stop = CancellationTokenSource.CreateLinkedTokenSource(keys.StopToken);
    var lines = new EpochLines(epoch =>
    {
        if (epoch == stopsAfter)
            stop.Cancel(); // as Ctrl-C does
    });
    var trainer = ml.MulticlassClassification.Trainers.FineTuneImages(
        options with { Progress = lines, StopToken = stop.Token, CancellationToken = keys.CancellationToken });
    return trainer.Fit(toKeys.Transform(train));
}

int Finish(FineTuningTransformer model)
{
    TrainingReport report = model.Report!;
    if (report.Resumed is { } from)
        Console.WriteLine($"Went on from a checkpoint, after {from.Epochs} epochs and {from.Batches} batches.");
    Console.WriteLine(
        string.Create(CultureInfo.InvariantCulture,
            $"{report.End} after {report.Epochs.Count} epochs and {report.Duration.TotalSeconds:0} s; "
            + $"the best was epoch {report.BestEpoch}. "
            + $"{report.TrainedParameters:N0} parameters were trained, {report.FrozenParameters:N0} were frozen."));
    Console.WriteLine($"Report: {Path.Combine(folder, "run", "report.html")}");
    model.SaveAdapter(adapterFile);
    Console.WriteLine(
        string.Create(CultureInfo.InvariantCulture, $"Adapter: {adapterFile} ({new FileInfo(adapterFile).Length / 1024.0:0} KiB)"));

    // As in another program that has the network's weights and receives the small adapter file.
    var fresh = new MLContext();
    using FineTuningTransformer again = fresh.Model.LoadAdapter(adapterFile, backbone);
    MulticlassClassificationMetrics metrics = fresh.MulticlassClassification.Evaluate(again.Transform(toKeys.Transform(test)));
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"accuracy={metrics.MicroAccuracy:0.00} f1={metrics.F1().Macro:0.00}"));
    return 0;
}
