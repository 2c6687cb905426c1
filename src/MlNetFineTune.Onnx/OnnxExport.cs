using System.Text.Json;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>A fine-tuned network as an ONNX file.</summary>
internal static class OnnxExport
{
    /// <param name="env">Its temporary folder is used where photos are measured.</param>
    /// <param name="model">Not disposed.</param>
    /// <param name="precision">Of the numbers in the file.</param>
    /// <param name="path">Written beside and renamed.</param>
    public static void Write(IHostEnvironment env, FineTuningTransformer model, OnnxPrecision precision, string path) => Exported.Read(
        model, network => Write(
            precision.Apply(env, ClassifierGraph.Of(network, model.Inputs, model.Task.WriteOutputs), model, network),
            network, model, path));

    /// <summary>
    /// For ML.NET's own image transforms, which resize but do not crop, and do not smooth when they shrink: the picture comes at the size
    /// (or a multiple) of which the network sees the centre, and the graph averages and crops it.
    /// </summary>
    /// <param name="env">Its temporary folder is used where photos are measured.</param>
    /// <param name="model">Not disposed.</param>
    /// <param name="precision">Of the numbers in the file.</param>
    /// <param name="path">Written beside and renamed.</param>
    /// <param name="oversampling">The multiple.</param>
    /// <returns>Height and width of the input.</returns>
    public static int WriteUncropped(
        IHostEnvironment env, FineTuningTransformer model, OnnxPrecision precision, string path, int oversampling)
    {
        var side = 0;
        Exported.Read(model, network =>
        {
            var pixels = model.Inputs.Pixels!;
            var border = (ImagePlan.ShorterSide(pixels.Preprocessing) - pixels.Preprocessing.Size) / 2;
            var graph = ClassifierGraph.OfPicture(network, pixels, model.Task.WriteOutputs, border, shrink: oversampling);
            side = graph.Side;
            Write(precision.Apply(env, graph, model, network), network, model, path);
        });
        return side;
    }

    private static void Write(ClassifierGraph graph, FineTunedNetwork network, FineTuningTransformer model, string path)
    {
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [network.Definition is null ? "module" : "backbone"] = network.Name,
        };
        if (model.Inputs.Pixels is { Preprocessing: var preprocessing })
        {
            metadata["crop_fraction"] = FormattableString.Invariant($"{preprocessing.CropFraction}");
            metadata["interpolation"] = preprocessing.Interpolation.ToString().ToLowerInvariant();
            metadata["pixels"] = "red, green, blue from 0 to 255; normalised inside";
        }
        else
        {
            metadata["features"] = model.Inputs.Form;
        }
        if (model.Task.ClassNames is { } classes)
            metadata["classes"] = JsonSerializer.Serialize(classes);
        if (model.ProbabilityThreshold is { } threshold)
            metadata["threshold"] = FormattableString.Invariant($"{threshold}");
        if (model.LabelThresholds.Count > 0)
            metadata["thresholds"] = JsonSerializer.Serialize(model.LabelThresholds);
        OnnxFile.Write(
            path, graph.Graph, graph.InputShape, [.. graph.Outputs.Select(output => (output.Value, (long?)output.Length))],
            metadata, graph.TakesBytes);
    }
}
