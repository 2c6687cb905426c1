// An LSTM over a time series as an ML.NET regression: the next hour from the previous two days. Run with --smoke for a quick test.
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;
using SeriesForecast;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var smoke = args.Contains("--smoke");
var ml = new MLContext(seed: 1);
var days = smoke ? 60 : 240;
var series = Consumption.Draw(days * 24, seed: 1);

// Split by time, not at random: neighbouring windows share all hours but one, so that a random split would leak labels.
var (validateFrom, testFrom) = (days * 24 * 7 / 10, days * 24 * 8 / 10);
var train = ml.Data.LoadFromEnumerable(Consumption.Windows(series, 0, validateFrom));
var validation = ml.Data.LoadFromEnumerable(Consumption.Windows(series, validateFrom, testFrom));
var test = ml.Data.LoadFromEnumerable(Consumption.Windows(series, testFrom, series.Length));
Console.WriteLine($"{days} days of hourly consumption: 70 % to train, 10 % to choose the epoch, 20 % to test.\n");

var lstm = ml.Regression.Trainers.FineTuneModule(new ModuleFineTuningOptions
{
    Factory = new ForecastNetworkFactory(),
    Inputs = [ModuleInput.Column("Past", Window.Hours, 2)],
    Validation = ValidationData.Set(validation),
    Epochs = smoke ? 8 : 15,
    BatchSize = 32,
    LearningRate = 0.01f,
    Progress = new Epochs(),
});
var network = lstm.Fit(train);

Console.WriteLine("\nroot mean squared error of the next hour, on the last 20 % of the days:");
var ours = Judge("LSTM", network.Transform(test));
var linear = Judge("linear regression on the same 96 numbers",
    ml.Regression.Trainers.Sdca(featureColumnName: "Past").Fit(ml.Data.Cache(train)).Transform(test));
Judge("the same hour of the day before", SameAs(Window.Hours - 24));
Judge("the hour before", SameAs(Window.Hours - 1));
Console.WriteLine($"lstm_rmse={ours:0.0000} linear_rmse={linear:0.0000}");

double Judge(string name, IDataView scored)
{
    var error = ml.Regression.Evaluate(scored).RootMeanSquaredError;
    Console.WriteLine($"  {error:0.0000}  {name}");
    return error;
}

IDataView SameAs(int hour) => ml.Data.LoadFromEnumerable(ml.Data.CreateEnumerable<Window>(test, reuseRowObject: false)
    .Select(window => new Forecast { Label = window.Label, Score = window.Past[2 * hour] }));

internal sealed class Forecast
{
    public float Label { get; set; }

    public float Score { get; set; }
}

/// <summary>Prints a line per epoch.</summary>
internal sealed class Epochs : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress now)
    {
        if (now.Activity == TrainingActivity.EpochCompleted)
            Console.WriteLine($"epoch {now.Epoch,2} of {now.Epochs}: validation error {Math.Sqrt(now.ValidationLoss!.Value):0.0000}");
    }
}
