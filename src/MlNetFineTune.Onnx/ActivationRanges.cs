using System.Numerics.Tensors;
using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Onnx;

/// <summary>Measures the range of each operator's output on typical photos.</summary>
internal static class ActivationRanges
{
    private const int Photos = 100;

    /// <param name="env">Environment whose temporary folder is used for the network's file.</param>
    /// <param name="graph">Graph whose input is the network's own pixels.</param>
    /// <param name="model">Model whose preprocessing is used.</param>
    /// <param name="calibration">Rows with the photos.</param>
    /// <returns>The range of each node's output, in the order of the nodes.</returns>
    /// <exception cref="InvalidOperationException">No photo could be read.</exception>
    public static IReadOnlyList<(float Least, float Most)> Measure(
        IHostEnvironment env, NetworkGraph graph, FineTuningTransformer model, IDataView calibration)
    {
        using var file = new TemporaryFile(env, ".onnx");
        OnnxFile.Write(
            file.Path, graph, [3, graph.Size, graph.Size], [.. graph.Nodes.Select(node => (new GraphValue(node.Outputs[0]), (long?)null))],
            new Dictionary<string, string>());
        using var session = new InferenceSession(file.Path);
        var ranges = graph.Nodes.Select(_ => (Least: float.PositiveInfinity, Most: float.NegativeInfinity)).ToArray();
        var places = graph.Nodes.Index().ToDictionary(node => node.Item.Outputs[0], node => node.Index, StringComparer.Ordinal);
        var count = 0;
        foreach (var pixels in Pixels(model, calibration, graph.Size))
        {
            using var outputs = session.Run([NamedOnnxValue.CreateFromTensor(graph.Input.Name, pixels)]);
            foreach (var output in outputs)
            {
                var i = places[output.Name];
                var values = ((DenseTensor<float>)output.Value).Buffer.Span;
                var (least, most) = (TensorPrimitives.Min<float>(values), TensorPrimitives.Max<float>(values));
                ranges[i] = (Math.Min(ranges[i].Least, least), Math.Max(ranges[i].Most, most));
            }
            count++;
        }
        return count > 0 ? ranges : throw new InvalidOperationException(
            "OnnxPrecision.Int8: none of the calibration photos could be read. Give some dozens of typical ones.");
    }

    private static IEnumerable<DenseTensor<float>> Pixels(FineTuningTransformer model, IDataView calibration, int size)
    {
        var columns = model.Inputs.ColumnsOf(model.Host, calibration.Schema, "calibration ");
        using var cursor = calibration.GetRowCursor(columns);
        var reader = model.Inputs.Read(model.Host, cursor, places: 1);
        var bytes = new byte[reader.Length];
        for (var taken = 0; taken < Photos && cursor.MoveNext(); taken++)
        {
            reader.Take(0);
            if (reader.Encode(0, Augmentation.None, bytes) is not null)
                continue;
            var pixels = new DenseTensor<float>([1, 3, size, size]);
            for (var i = 0; i < bytes.Length; i++)
                pixels.Buffer.Span[i % 3 * size * size + i / 3] = bytes[i];
            yield return pixels;
        }
    }
}
