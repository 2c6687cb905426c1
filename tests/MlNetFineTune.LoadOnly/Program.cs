// Loads a model in a process that knows ML.NET and nothing of this library, scores the pictures whose paths follow, and prints the bits of
// the scores, and of the probabilities where the model is binary.
// --register <assembly> before the model registers an assembly with factories.
using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

var ml = new MLContext();
if (args[0] == "--register")
{
    ml.ComponentCatalog.RegisterAssembly(Assembly.LoadFrom(args[1]));
    args = args[2..];
}
var model = ml.Model.Load(args[0], out _);
var scored = model.Transform(ml.Data.LoadFromEnumerable(args.Skip(1).Select(path => new Picture { ImagePath = path, Label = "dots" })));
var isVector = scored.Schema["Score"].Type is VectorDataViewType;
string[] columns = scored.Schema.GetColumnOrNull("Probability") is null ? ["Score"] : ["Score", "Probability"];
foreach (var scores in isVector ? scored.GetColumn<float[]>("Score") : Numbers(scored, columns))
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

    public string Label { get; set; } = "";
}
