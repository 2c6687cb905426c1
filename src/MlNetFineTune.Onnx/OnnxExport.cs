using System.Text.Json;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Onnx;

/// <summary>Writes a fine-tuned network as an ONNX file.</summary>
internal static class OnnxExport
{
    /// <param name="env">Environment whose temporary folder is used for calibration.</param>
    /// <param name="model">The model; it is not disposed.</param>
    /// <param name="precision">Number format of the weights.</param>
    /// <param name="path">Path of the file, replaced atomically.</param>
    public static void Write(IHostEnvironment env, FineTuningTransformer model, OnnxPrecision precision, string path) => Exported.Read(
        model, network => Write(
            precision.Apply(env, ClassifierGraph.Of(network, model.Inputs, model.Task.WriteOutputs), model, network),
            network, model, path));

    /// <summary>
    /// Writes a graph for ML.NET's own image transforms, which resize without cropping and without antialiasing: its input is the uncropped
    /// picture (or a multiple of its size), which the graph averages and crops.
    /// </summary>
    /// <param name="env">Environment whose temporary folder is used for calibration.</param>
    /// <param name="model">The model; it is not disposed.</param>
    /// <param name="precision">Number format of the weights.</param>
    /// <param name="path">Path of the file, replaced atomically.</param>
    /// <param name="oversampling">The multiple of the size.</param>
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
