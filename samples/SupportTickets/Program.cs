// Sorts messages of customers by the team that answers them, compared with ML.NET's own text features. Without arguments it trains a small
// network from random weights on generated messages, so that nothing is downloaded. With a pretrained network and your own texts:
//   --model sentence-transformers/all-MiniLM-L6-v2 (a repository of the hub, or a folder)  --train train.tsv --test test.tsv
// Each line of the files is a label, a tab and a text. --smoke is a quick test; --onnx PATH saves a model for programs without libtorch.
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune;
using SupportTickets;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string? Option(string name) => args.SkipWhile(argument => argument != name).Skip(1).FirstOrDefault();

var ml = new MLContext(seed: 1);
var smoke = args.Contains("--smoke");
var train = ml.Data.LoadFromEnumerable(Option("--train") is { } file ? Tickets.Read(file) : Tickets.Draw(smoke ? 200 : 600, seed: 1));
var test = ml.Data.LoadFromEnumerable(Option("--test") is { } other ? Tickets.Read(other) : Tickets.Draw(200, seed: 2));

var model = Option("--model");
var options = model is not null
    ? new TextFineTuningOptions { Backbone = Directory.Exists(model) ? TextBackbone.FromFolder(model) : TextBackbone.FromHub(model) }
    : new TextFineTuningOptions
    {
        Backbone = TextBackbone.FromScratch(Path.Combine(AppContext.BaseDirectory, "Assets", "small-bert")),
        Strategy = Strategy.Full(layerDecay: 1), // random weights: everything has as much to learn
        LearningRate = 3e-3f,
        Epochs = smoke ? 3 : 6,
    };
var labels = ml.Transforms.Conversion.MapValueToKey("Label", nameof(Ticket.Team));
var network = labels
    .Append(ml.MulticlassClassification.Trainers.FineTuneText(options with
    {
        Progress = new Progress<TrainingProgress>(
            progress => Console.Error.Write($"\r{progress.Activity}, epoch {progress.Epoch} of {progress.Epochs}    ")),
    }))
    .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
var words = labels
    .Append(ml.Transforms.Text.FeaturizeText("Features", nameof(Ticket.Text)))
    .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy());

using var trained = network.Fit(train);
Console.Error.WriteLine();
var metrics = ml.MulticlassClassification.Evaluate(trained.Transform(test));
var before = ml.MulticlassClassification.Evaluate(words.Fit(train).Transform(test));
Console.WriteLine($"{options.Backbone}");
Console.WriteLine($"accuracy {metrics.MicroAccuracy:0.000}, F1 {metrics.F1().Macro:0.000}; "
    + $"FeaturizeText and SDCA: {before.MicroAccuracy:0.000}");

// The zip has the weights, the classes and the tokenizer: it loads anywhere.
var path = Path.Combine(Path.GetTempPath(), $"tickets-{Guid.NewGuid():N}.zip");
ml.Model.Save(trained, train.Schema, path);
var elsewhere = new MLContext();
using var engine = elsewhere.Model.CreatePredictionEngine<Ticket, Answer>(elsewhere.Model.Load(path, out _));
File.Delete(path);

if (Option("--onnx") is { } onnx)
{
    // Tokenizer, network and classes again; ONNX Runtime computes the network.
    using var chain = (IDisposable)ml.FineTuning.ToOnnxPipeline(trained, test.Schema);
    var names = ml.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(((ITransformer)chain).Transform(test));
    ml.Model.Save(new TransformerChain<ITransformer>((ITransformer)chain, names), test.Schema, onnx);
    Console.WriteLine($"saved for ONNX Runtime: {onnx}");
}

var question = new Ticket { Text = "Hello, the money for my returned order is not back on my card." };
var answer = engine.Predict(question);
Console.WriteLine($"'{question.Text}' -> {answer.PredictedLabel} ({answer.Score.Max():0.00})");
