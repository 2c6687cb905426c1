// A custom network over a table in an ML.NET pipeline, compared with LightGBM on the same rows. Run with --smoke for a quick test.
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;
using TabularNetwork;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var smoke = args.Contains("--smoke");
var ml = new MLContext(seed: 1);
var train = ml.Data.LoadFromEnumerable(Deliveries.Draw(smoke ? 3_000 : 30_000, seed: 1));
var test = ml.Data.LoadFromEnumerable(Deliveries.Draw(10_000, seed: 2));

string[] categories = ["City", "Carrier", "Weekday"];
var toKeys = ml.Transforms.Conversion.MapValueToKey([.. categories.Select(name => new InputOutputColumnPair(name))]);
var numbers = ml.Transforms.Concatenate("Numbers", "Distance", "Weight", "Hour").Append(ml.Transforms.NormalizeMeanVariance("Numbers"));

var network = toKeys.Append(numbers).Append(ml.BinaryClassification.Trainers.FineTuneModule(new ModuleFineTuningOptions
{
    Factory = new DeliveryNetworkFactory(),
    Inputs = ["Numbers", .. categories.Select(name => (ModuleInput)name)],
    Epochs = smoke ? 4 : 10,
    BatchSize = 128,
    LearningRate = 0.003f,
}));
var lightGbm = toKeys.Append(numbers)
    .Append(ml.Transforms.Conversion.MapKeyToVector([.. categories.Select(name => new InputOutputColumnPair(name + "Vector", name))]))
    .Append(ml.Transforms.Concatenate("Features", [.. categories.Select(name => name + "Vector"), "Numbers"]))
    .Append(ml.BinaryClassification.Trainers.LightGbm());

Console.WriteLine($"{train.GetRowCount():N0} parcels to train on, {test.GetRowCount():N0} to test; "
    + "both learners with their first settings, nothing tuned.\n");
Console.WriteLine("              accuracy     AUC   log-loss   seconds to train");
var (ours, model) = Judge("network", network);
var (trees, _) = Judge("LightGBM", lightGbm);
var best = ml.BinaryClassification.EvaluateNonCalibrated(ml.Transforms.CopyColumns("Score", "LogOdds")
    .Append(ml.Transforms.Expression("PredictedLabel", "x => x > 0", "LogOdds")).Fit(test).Transform(test));
Console.WriteLine($"{"the formula",-12}{best.Accuracy,10:0.000}{best.AreaUnderRocCurve,8:0.000}   (what luck leaves to know)");

// The model file contains weights and settings, not the code: the application that loads it needs the assembly of the factory, as here.
var path = Path.Combine(Path.GetTempPath(), $"deliveries-{Guid.NewGuid():N}.zip");
ml.Model.Save(model, train.Schema, path);
var elsewhere = new MLContext();
using var engine = elsewhere.Model.CreatePredictionEngine<Delivery, Prediction>(elsewhere.Model.Load(path, out _));
File.Delete(path);
var parcel = new Delivery { City = "city 07", Carrier = "carrier 2", Weekday = "Fri", Distance = 420, Weight = 3, Hour = 17 };
Console.WriteLine($"\nSaved, loaded in a fresh context, asked about one parcel: "
    + $"late with a probability of {engine.Predict(parcel).Probability:0.00}.");
Console.WriteLine($"network_auc={ours.AreaUnderRocCurve:0.000} lightgbm_auc={trees.AreaUnderRocCurve:0.000}");

(CalibratedBinaryClassificationMetrics, ITransformer) Judge(string name, IEstimator<ITransformer> pipeline)
{
    var time = Stopwatch.StartNew();
    var fitted = pipeline.Fit(train);
    var seconds = time.Elapsed.TotalSeconds;
    var metrics = ml.BinaryClassification.Evaluate(fitted.Transform(test));
    Console.WriteLine(
        $"{name,-12}{metrics.Accuracy,10:0.000}{metrics.AreaUnderRocCurve,8:0.000}{metrics.LogLoss,11:0.000}{seconds,12:0.0}");
    return (metrics, fitted);
}

internal sealed class Prediction
{
    public float Probability { get; set; }
}
