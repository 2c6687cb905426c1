using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Fuzz.Targets;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Sharding;
using MlNetFineTune.Tokenizers;
using MlNetFineTune.Training;
using MlNetFineTune.WeightFiles;
using static TorchSharp.torch;

namespace MlNetFineTune.Fuzz;

/// <summary>Small sound files: what targets need beside an input, and inputs to begin with, of the library's own writers.</summary>
internal static class Seeds
{
    public const string TextConfig = """
        {"model_type": "bert", "vocab_size": 40, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 16, "max_position_embeddings": 32, "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12}
        """;

    public const string Vocabulary =
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncafe\n##s\n,\n:\n12\n5\nete\n\u4f60\n\u03bf\n##\u03b4\ndon\n'\nt\n";

    public static readonly (string, string)[] WordPieceFiles = [("vocab.txt", Vocabulary)];

    public static readonly (string, string)[] BytePairFiles =
    [
        ("vocab.json", JsonSerializer.Serialize(BytePairTokens.Index().ToDictionary(token => token.Item, token => token.Index))),
        ("merges.txt", "#version: 0.2\nt h\nth e\n\u0120 the\n"),
    ];

    public static readonly byte[] OneTensor = SafeTensors([("a", new byte[8])]);

    private static IEnumerable<string> BytePairTokens => [
        "<s>", "<pad>", "</s>", "<unk>", "<mask>",
        .. Enumerable.Range(0, 256).Select(value => ByteAlphabet.Of((byte)value).ToString()), "th", "the", "\u0120the"];

    /// <summary>The key values of three classes.</summary>
    public static byte[] ThreeClasses(MLContext ml)
    {
        var view = ml.Data.LoadFromEnumerable(new[] { "dots", "rings", "stripes" }.Select(label => new Row { Label = label }));
        var keys = LabelKeys.Of(ml.Transforms.Conversion.MapValueToKey("Label").Fit(view).Transform(view).Schema["Label"]);
        return Scoring.ClassKeys.ToBytes(ml, [keys]);
    }

    /// <summary>Writes inputs into the folders of the targets.</summary>
    /// <param name="folder">The corpus.</param>
    public static void Write(string folder)
    {
        WriteWeights(folder);
        WriteTexts(folder);
        WriteCaches(folder);
        Put(folder, "class-keys", "three", ThreeClasses(new MLContext()));
        Put(folder, "checkpoint", "middle", Encoding.UTF8.GetBytes(CheckpointFile.JsonOf(Checkpoint())));
        Put(folder, "checkpoint-file", "middle", Written("file", path => CheckpointFile.Write(path, Checkpoint(), [])));
    }

    /// <summary>The state of a training in its second epoch.</summary>
    public static CheckpointState Checkpoint() => new()
    {
        Training = new Dictionary<string, JsonElement> { ["Options"] = CanonicalJson.ElementOf(Adapter.Lora()) },
        Threads = 2,
        Elapsed = TimeSpan.FromSeconds(3),
        Run = new RunState { Batches = 5, BatchesOfEpoch = 2, LossSum = 1.5, LossRows = 8 },
        Phase = new PhaseState(0, 5, 0, 0, 0),
        Best = [new KeptEpoch(1, new Tasks.Evaluation(0.5, new Dictionary<string, double> { ["Accuracy"] = 0.75 }))],
        BadRows = [new KnownBadRow(false, 3, "it is cut off", 0)],
    };

    private static void WriteWeights(string folder)
    {
        Put(folder, "safetensors", "one", OneTensor);
        Put(folder, "weights", "safetensors", OneTensor);
        using var scope = NewDisposeScope();
        (string, Tensor)[] tensors = [("conv.weight", ones(2, 1, 3, 3)), ("bn.count", zeros(1, ScalarType.Int64)), ("empty", zeros(0, 4))];
        var recipe = new Dictionary<string, string>
        {
            ["input_size"] = "96",
            ["mean"] = "0.5,0.5,0.5",
            ["std"] = "1,1,1",
            ["interpolation"] = "bicubic",
            ["crop_pct"] = "0.9",
            ["bn_eps"] = "1e-3",
            ["padding"] = "same",
        };
        using var safe = new MemoryStream();
        SafeTensorsWriter.Write(safe, tensors, recipe);
        Put(folder, "safetensors", "recipe", safe.ToArray());
        using var zip = new MemoryStream();
        StateDictionaryWriter.Write(zip, tensors, recipe);
        Put(folder, "torch-zip", "recipe", zip.ToArray());
        Put(folder, "weights", "torch-zip", zip.ToArray());
        using (var archive = new System.IO.Compression.ZipArchive(new MemoryStream(zip.ToArray())))
        {
            using var pickle = archive.GetEntry("archive/data.pkl")!.Open();
            Put(folder, "pickle", "recipe", Bytes.Of(pickle));
        }
        using var module = TorchSharp.torch.nn.Linear(2, 3);
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
            module.save(writer);
        Put(folder, "torchsharp", "linear", stream.ToArray());
        Put(folder, "weights", "torchsharp", stream.ToArray());
    }

    private static void WriteTexts(string folder)
    {
        Put(folder, "text-config", "bert", Encoding.UTF8.GetBytes(TextConfig));
        Put(folder, "wordpiece", "small", Encoding.UTF8.GetBytes(
            Vocabulary + "\0{\"do_lower_case\": true, \"tokenizer_class\": \"BertTokenizer\"}"));
        Put(folder, "byte-pairs", "small", Encoding.UTF8.GetBytes(string.Join('\0', BytePairFiles.Select(file => file.Item2))));
        Put(folder, "texts", "mixed", Encoding.Unicode.GetBytes("The caf\u00e9s, e\u0301t\u00e9: \u4f60 \ud83d\ude00 \u039f\u03a3 don't"));
    }

    private static void WriteCaches(string folder)
    {
        var index = new ImageIndex(4);
        index.Add("a.jpg", [1, 0, 0, 0]);
        index.Add("b.jpg", [0, 1, 1, 0]);
        Put(folder, "image-index", "two", Written("index", index.Save));

        var work = Directory.CreateTempSubdirectory();
        using (var writer = new KeyedFileWriter(work.FullName, Caches.Form))
        {
            byte[] picture = [2, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6]; // 2 x 1 pixels
            writer.Put(ContentHash.Of("a", []), picture, KeyedFileForm.Checksum(picture));
            writer.Put(ContentHash.Of("b", []), [1, 2, 3], KeyedFileForm.Checksum([1, 2, 3]));
            Put(folder, "keyed-file", "two", File.ReadAllBytes(writer.Complete()));
        }
        work.Delete(recursive: true);
        Put(folder, "scored-block", "three-rows", Written("block", path => BlockFile.Write(
            path, () => new BlockFile.Description("scoring", 1, 3, "sample"), stream => stream.Write(new byte[16]))));
        var plan = """
            {"FormatVersion": 1, "Shards": 2, "BlockRows": 10, "Blocks": {"First": 20, "Rows": 10}, "Model": "m", "Data": null, "Rows": 50,
            "Columns": ["Score: Single"], "Schema": "AAEC"}
            """;
        Put(folder, "scoring-plan", "two-shards", Encoding.UTF8.GetBytes(
            plan + "\0{\"Scoring\": \"IDENTITY\", \"DataRows\": 50, \"Sample\": \"00\"}"));
    }

    private static byte[] SafeTensors((string Name, byte[] Content)[] tensors)
    {
        var header = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(tensors.ToDictionary(
            tensor => tensor.Name,
            tensor => new
            {
                dtype = "F32",
                shape = new[] { tensor.Content.Length / 4 },
                data_offsets = new[] { 0, tensor.Content.Length },
            })));
        return [.. BitConverter.GetBytes((long)header.Length), .. header, .. tensors.SelectMany(tensor => tensor.Content)];
    }

    private static byte[] Written(string name, Action<string> write)
    {
        var folder = Directory.CreateTempSubdirectory();
        write(Path.Combine(folder.FullName, name));
        var bytes = File.ReadAllBytes(Path.Combine(folder.FullName, name));
        folder.Delete(recursive: true);
        return bytes;
    }

    private static void Put(string folder, string target, string name, byte[] content) =>
        File.WriteAllBytes(Path.Combine(Directory.CreateDirectory(Path.Combine(folder, target)).FullName, name), content);

    private sealed class Row
    {
        public string Label { get; set; } = "";
    }
}
