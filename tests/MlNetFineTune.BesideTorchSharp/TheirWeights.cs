using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.TorchSharp;
using TorchSharp;

namespace MlNetFineTune.BesideTorchSharp;

/// <summary>
/// Weights with which those trainers begin: random, in place of the files that they download, and where they look for them first.
/// </summary>
internal static class TheirWeights
{
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    private const int RobertaTokens = 50265;

    private static readonly Assembly s_package = typeof(TorchSharpCatalog).Assembly;

    public static void Write(MLContext ml, string folder)
    {
        var cache = Directory.CreateDirectory(Path.Combine(folder, "mlnet")).FullName;
        var trainers = ml.MulticlassClassification.Trainers;
        Save(Encoder("ModelForPrediction", trainers.TextClassification()), "NasBert2000000.tsm");
        Save(Encoder("NerModel", trainers.NamedEntityRecognition()), "pretrained_NasBert_14M_encoder.tsm");
        Save(Create("AutoFormerV2.AutoFormerV2", 2, (List<int>)[64, 128, 256, 448], (List<int>)[2, 2, 6, 2], (List<int>)[2, 4, 8, 14],
            torch.CPU), "autoformer_11m_torchsharp.bin");

        void Save(object network, string name) => ((torch.nn.Module)network).save(Path.Combine(cache, name));
    }

    // Of the sizes that the trainer's options have.
    private static object Encoder(string model, object trainer)
    {
        var options = trainer.GetType().GetField("BertOptions", Any)!.GetValue(trainer)!;
        var network = Create($"NasBert.Models.{model}", options, 1, RobertaTokens, 2);
        return network.GetType().GetMethod("GetEncoder", Any)!.Invoke(network, [])!;
    }

    private static object Create(string type, params object[] arguments) => Named(type).GetConstructors(Any).Single().Invoke(arguments);

    private static Type Named(string type) => s_package.GetType($"Microsoft.ML.TorchSharp.{type}", throwOnError: true)!;
}
