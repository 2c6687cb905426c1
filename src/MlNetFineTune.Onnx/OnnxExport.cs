using System.Text.Json;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Onnx;

/// <summary>Writes a fine-tuned network as an ONNX file.</summary>
internal static class OnnxExport
{
    /// <param name="env">Environment whose temporary folder is used for calibration.</param>
    /// <param name="model">The model; it is not disposed.</param>
    /// <param name="precision">Number format of the weights.</param>
    /// <param name="path">Path of the file, replaced atomically.</param>
    public static void Write(IHostEnvironment env, FineTuningTransformer model, OnnxPrecision precision, string path) =>
        Write(env, model, precision, path, model.Inputs.ToTensors());

    /// <summary>
    /// For ML.NET's own image transforms, which resize without antialiasing and do not crop: the graph's input are uncropped pictures, at a
    /// multiple of the size, which the graph averages and crops.
    /// </summary>
    /// <param name="env">Environment whose temporary folder is used for calibration.</param>
    /// <param name="model">The model; it is not disposed.</param>
    /// <param name="precision">Number format of the weights.</param>
    /// <param name="path">Path of the file, replaced atomically.</param>
    /// <param name="oversampling">The multiple of the size.</param>
    /// <param name="tensors">Input tensors of the network.</param>
    /// <param name="prefix">Prefix of the outputs' names.</param>
    /// <returns>The outputs.</returns>
    public static IReadOnlyList<GraphOutput> WriteUncropped(
        IHostEnvironment env, FineTuningTransformer model, OnnxPrecision precision, string path, int oversampling,
        IReadOnlyList<TensorColumn> tensors, string prefix = "") => Write(env, model, precision, path, tensors, oversampling, prefix);

    private static IReadOnlyList<GraphOutput> Write(
        IHostEnvironment env, FineTuningTransformer model, OnnxPrecision precision, string path, IReadOnlyList<TensorColumn> tensors,
        int? oversampling = null, string prefix = "")
    {
        IReadOnlyList<GraphOutput> outputs = [];
        var isFile = oversampling is null;
        Exported.Read(model, network =>
        {
            var graph = GraphOf(oversampling);
            outputs = graph.Outputs;
            var stored = precision.Apply(env, graph.Graph, model, () => GraphOf(oversampling: null).Graph, tensors);
            OnnxFile.Write(
                path, stored, [.. outputs.Select(output => (output.Value, (long?)output.Length))], MetadataOf(network, model, tensors));

            ClassifierGraph GraphOf(int? oversampling) => ClassifierGraph.Of(
                network, tensors, (graph, values) => OutputsOf(model, graph, values, prefix, isFile), oversampling);
        });
        return outputs;
    }

    // A chain of ML.NET's transformers has no use for the sets: none of them makes a vector of keys of them.
    private static IReadOnlyList<GraphOutput> OutputsOf(
        FineTuningTransformer model, NetworkGraph graph, GraphNetwork network, string prefix, bool isFile)
    {
        var outputs = model.Task.WriteOutputs(graph, network.Outputs, prefix);
        return isFile && model.ConformalModel is { } conformal
            ? [.. outputs, .. conformal.Write(graph, outputs, network.Features)]
            : outputs;
    }

    private static SortedDictionary<string, string> MetadataOf(
        FineTunedNetwork network, FineTuningTransformer model, IReadOnlyList<TensorColumn> tensors)
    {
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [network.Definition is null && model.Inputs.Tokens is null ? "module" : "backbone"] = network.Name,
        };
        if (model.Inputs.Pixels is { Preprocessing: var preprocessing })
        {
            metadata["crop_fraction"] = FormattableString.Invariant($"{preprocessing.CropFraction}");
            metadata["interpolation"] = preprocessing.Interpolation.ToString().ToLowerInvariant();
            metadata["pixels"] = "red, green, blue from 0 to 255; normalised inside";
        }
        else
        {
            foreach (var (name, value) in model.Inputs.DescribeToFile())
                metadata[name] = value;
        }
        if (tensors.Count > 1)
            metadata["inputs"] = JsonSerializer.Serialize(tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Description));
        if (model.Conformal is { } conformal)
        {
            metadata["coverage"] = FormattableString.Invariant($"{conformal.Coverage}");
            if (conformal.NoveltyThreshold is { } novelty)
                metadata["novelty_threshold"] = FormattableString.Invariant($"{novelty}");
        }
        foreach (var (prefix, task) in model.Task.Heads)
        {
            if (task.ClassNames is { } classes)
                metadata[prefix + "classes"] = JsonSerializer.Serialize(classes);
            if (task.ProbabilityThreshold is { } threshold)
                metadata[prefix + "threshold"] = FormattableString.Invariant($"{threshold}");
            if (task.LabelThresholds.Count > 0)
                metadata[prefix + "thresholds"] = JsonSerializer.Serialize(task.LabelThresholds);
        }
        return metadata;
    }
}
