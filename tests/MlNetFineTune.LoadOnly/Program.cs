// Loads a model in a process that references ML.NET but has not loaded this library, scores the pictures whose paths follow, and prints the
// bits of the scores, and of the probabilities where the model is binary. Of several heads it prints the first that gives a vector. For a
// model of texts the arguments are the texts, and for one of words the words with blanks between them. A path may be followed by what
// stands in a table beside it: path;number;text. --register <assembly> before the model registers an assembly with factories.
// --column <name> before the model prints another column of vectors instead. --sets prints the columns of conformal prediction. --answers
// before the model prints the answers to questions, each followed by its context: question;context.
using System.Globalization;
using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

var ml = new MLContext();
if (args[0] == "--register")
{
    ml.ComponentCatalog.RegisterAssembly(Assembly.LoadFrom(args[1]));
    args = args[2..];
}
var other = "";
if (args[0] == "--column")
    (other, args) = (args[1], args[2..]);
var printsSets = args[0] == "--sets";
var printsAnswers = args[0] == "--answers";
if (printsSets || printsAnswers)
    args = args[1..];
var model = ml.Model.Load(args[0], out _);
var scored = model.Transform(ml.Data.LoadFromEnumerable(args.Skip(1).Select(Picture.Of)));
if (printsSets)
{
    var named = ml.Transforms.Conversion.MapKeyToValue("PredictedLabels").Fit(scored).Transform(scored);
    foreach (var (set, novelty, isRejected) in named.GetColumn<string[]>("PredictedLabels").Zip(
        named.GetColumn<float>("Novelty"), named.GetColumn<bool>("Rejected")))
    {
        Console.WriteLine($"{string.Join('+', set)} {BitConverter.SingleToInt32Bits(novelty):X8} {isRejected}");
    }
    (model as IDisposable)?.Dispose();
    return;
}
if (printsAnswers)
{
    foreach (var (answer, score, none) in scored.GetColumn<string>("PredictedAnswer").Zip(
        scored.GetColumn<float>("Score"), scored.GetColumn<float>("NoAnswerProbability")))
    {
        Console.WriteLine(
            $"{BitConverter.SingleToInt32Bits(score):X8} {BitConverter.SingleToInt32Bits(none):X8} {answer}".TrimEnd());
    }
    (model as IDisposable)?.Dispose();
    return;
}
var vector = scored.Schema.Where(
    found => found.Type is VectorDataViewType
        && (other.Length > 0 ? found.Name == other : found.Name.EndsWith("Score", StringComparison.Ordinal))).ToList();
string[] columns = scored.Schema.GetColumnOrNull("Probability") is null ? ["Score"] : ["Score", "Probability"];
foreach (var scores in vector.Count > 0 ? scored.GetColumn<float[]>(vector[0]) : Numbers(scored, columns))
    Console.WriteLine(string.Join(' ', scores.Select(score => BitConverter.SingleToInt32Bits(score).ToString("X8"))));
(model as IDisposable)?.Dispose();

static IEnumerable<float[]> Numbers(IDataView data, string[] columns)
{
    var values = columns.Select(column => data.GetColumn<float>(column).ToArray()).ToArray();
    return Enumerable.Range(0, values[0].Length).Select(row => values.Select(column => column[row]).ToArray());
}

internal sealed class Picture
{
    public string ImagePath { get; set; } = "";

    public string Text { get; set; } = "";

    public string[] Words { get; set; } = [];

    public string Question { get; set; } = "";

    public string Context { get; set; } = "";

    public string Label { get; set; } = "";

    public float Weight { get; set; } = float.NaN;

    public string Color { get; set; } = "";

    public static Picture Of(string text) => text.Split(';') is [var path, var number, var color]
        ? new() { ImagePath = path, Weight = float.Parse(number, CultureInfo.InvariantCulture), Color = color, Label = "dots" }
        : text.Split(';') is [var question, var context] ? new() { Question = question, Context = context }
        : new() { ImagePath = text, Text = text, Words = text.Split(' '), Label = "dots" };
}
