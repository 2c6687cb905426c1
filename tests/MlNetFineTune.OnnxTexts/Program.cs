// Scores texts with a saved chain of tokenizer and network, and prints for each the ids of its tokens and the probabilities: all at once,
// and the first again by a PredictionEngine. The arguments are the zips of a tokenizer and of a chain, and the texts.
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;

var ml = new MLContext();
var data = ml.Data.LoadFromEnumerable(args[2..].Select(text => new Message { Text = text }));
foreach (var ids in ml.Model.Load(args[0], out _).Transform(data).GetColumn<long[]>("Ids"))
    Console.WriteLine(string.Join(' ', ids));
var chain = ml.Model.Load(args[1], out _);
foreach (var scores in chain.Transform(data).GetColumn<float[]>("Score"))
    Print(scores);
using (var engine = ml.Model.CreatePredictionEngine<Message, Answer>(chain))
    Print(engine.Predict(new Message { Text = args[2] }).Score);

using var process = Process.GetCurrentProcess();
string[] libraries = ["libtorch", "libLibTorchSharp", "LibTorchSharp", "torch_cpu", "libc10", "c10"];
var torch = process.Modules.Cast<ProcessModule>().Select(module => Path.GetFileNameWithoutExtension(module.ModuleName))
    .Where(name => libraries.Any(library => name == library || name.StartsWith(library + "_", StringComparison.Ordinal))).ToList();
Console.WriteLine(torch.Count == 0 ? "no library of libtorch is loaded" : $"loaded: {string.Join(", ", torch)}");

static void Print(float[] scores) =>
    Console.WriteLine(string.Join(' ', scores.Select(score => score.ToString("R", CultureInfo.InvariantCulture))));

internal sealed class Message
{
    public string Text { get; set; } = "";
}

internal sealed class Answer
{
    public float[] Score { get; set; } = [];
}
