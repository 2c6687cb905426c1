using SkiaSharp;

namespace MlNetFineTune.Tool.Tests;

/// <summary>Small data, and models that the program trained on them once.</summary>
[TestClass]
public sealed class Samples
{
    public const int PerClass = 8;

    private static readonly Lazy<DirectoryInfo> s_root = new(() => Directory.CreateTempSubdirectory("finetune-tests-"));
    private static readonly Lazy<string> s_photos = new(() => DrawPhotos("train", seed: 1));
    private static readonly Lazy<string> s_testPhotos = new(() => DrawPhotos("test", seed: 2));
    private static readonly Lazy<ToolRun> s_photoTraining = new(() => ToolRun.Done(
        "train", Photos, "--test", TestPhotos, "--backbone", "micro", "--weights", Weights, "--strategy", "head", "--epochs", "20",
        "--output", PhotoModelPath, "--card", PathOf("photos.md"), "--json"));

    private static readonly Lazy<string> s_texts = new(() => WriteTexts("texts.csv"));
    private static readonly Lazy<string> s_textModel = new(() =>
    {
        ToolRun.Done(
            "train", Texts, "--backbone", Encoder, "--epochs", "8", "--learning-rate", "0.01", "--batch-size", "4", "--output",
            PathOf("texts.zip"));
        return PathOf("texts.zip");
    });

    /// <summary>Photos of two classes, bright and dark.</summary>
    public static string Photos => s_photos.Value;

    public static string TestPhotos => s_testPhotos.Value;

    /// <summary>The run that trained <see cref="PhotoModel"/>.</summary>
    internal static ToolRun PhotoTraining => s_photoTraining.Value;

    public static string PhotoModel => PhotoTraining.ExitCode == 0 ? PhotoModelPath : "";

    /// <summary>A CSV file with the columns Label and Text: questions and orders.</summary>
    public static string Texts => s_texts.Value;

    public static string TextModel => s_textModel.Value;

    public static string Weights => Path.Combine(Repository.Root, "samples", "QuickStart", "Assets", "micro.safetensors");

    public static string Encoder => Path.Combine(Repository.Root, "samples", "TextQuickStart", "Assets", "tiny-bert");

    private static string PhotoModelPath => PathOf("photos.zip");

    public static string PathOf(string name) => Path.Combine(s_root.Value.FullName, name);

    [AssemblyCleanup]
    public static void DeleteAll()
    {
        if (s_root.IsValueCreated)
            s_root.Value.Delete(recursive: true);
    }

    private static string DrawPhotos(string name, int seed)
    {
        string root = PathOf(name);
        var random = new Random(seed);
        foreach (string kind in new[] { "bright", "dark" })
        {
            Directory.CreateDirectory(Path.Combine(root, kind));
            for (int i = 0; i < PerClass; i++)
            {
                using var bitmap = new SKBitmap(48, 48);
                for (int pixel = 0; pixel < 48 * 48; pixel++)
                {
                    byte grey = (byte)((kind == "bright" ? 160 : 10) + random.Next(80));
                    bitmap.SetPixel(pixel % 48, pixel / 48, new SKColor(grey, grey, grey));
                }
                using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
                File.WriteAllBytes(Path.Combine(root, kind, $"{i}.png"), png.ToArray());
            }
        }
        return root;
    }

    private static string WriteTexts(string name)
    {
        string[] questions = ["Where is my parcel?", "When does the shop open?", "What does it cost?", "Who can help me, please?"];
        string[] orders = ["Send the parcel back, now.", "Open the shop at nine.", "Pay the bill today.", "Help me with this box."];
        string path = PathOf(name);
        File.WriteAllLines(path,
        [
            "Label,Text",
            .. Enumerable.Range(0, 3).SelectMany(_ => questions.Select(text => $"question,\"{text}\"")
                .Concat(orders.Select(text => $"order,\"{text}\""))),
        ]);
        return path;
    }
}
