using System.Reflection;
using TorchSharp;

namespace MlNetFineTune.BesideTorchSharp;

/// <summary>
/// Weights with which those trainers begin: random, in place of the files that they download, and where they look for them first.
/// </summary>
internal static class TheirWeights
{
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    private const int RobertaTokens = 50265;

    private static readonly Assembly s_package = typeof(Microsoft.ML.TorchSharp.TorchSharpCatalog).Assembly;

    public static void Write(string folder)
    {
        var cache = Directory.CreateDirectory(Path.Combine(folder, "mlnet")).FullName;
        Save(Encoder("ModelForPrediction"), "NasBert2000000.tsm");
        Save(Encoder("NerModel"), "pretrained_NasBert_14M_encoder.tsm");
        Save(Create("AutoFormerV2.AutoFormerV2", 2, (List<int>)[64, 128, 256, 448], (List<int>)[2, 2, 6, 2], (List<int>)[2, 4, 8, 14],
            torch.CPU), "autoformer_11m_torchsharp.bin");

        void Save(object network, string name) => ((torch.nn.Module)network).save(Path.Combine(cache, name));
    }

    private static object Encoder(string model)
    {
        var options = Activator.CreateInstance(Named("NasBert.NasBertTrainer+NasBertOptions"), nonPublic: true)!;
        var network = Create($"NasBert.Models.{model}", options, 1, RobertaTokens, 2);
        return network.GetType().GetMethod("GetEncoder", Any)!.Invoke(network, [])!;
    }

    private static object Create(string type, params object[] arguments) => Named(type).GetConstructors(Any).Single().Invoke(arguments);

    private static Type Named(string type) => s_package.GetType($"Microsoft.ML.TorchSharp.{type}", throwOnError: true)!;
}
