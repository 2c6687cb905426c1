using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Onnx;

/// <summary>Measures the range of each operator's output on typical rows.</summary>
internal static class ActivationRanges
{
    private const int Rows = 100;

    /// <param name="env">Environment whose temporary folder is used for the network's file.</param>
    /// <param name="graph">Graph whose input is the network's own pixels.</param>
    /// <param name="model">Model whose preprocessing is used.</param>
    /// <param name="tensors">Inputs of the graph.</param>
    /// <param name="calibration">Rows with the photos.</param>
    /// <returns>The ranges by the names of the values that may be quantized.</returns>
    /// <exception cref="InvalidOperationException">No row could be read.</exception>
    public static IReadOnlyDictionary<string, (float Least, float Most)> Measure(
        IHostEnvironment env, NetworkGraph graph, FineTuningTransformer model, IReadOnlyList<TensorColumn> tensors, IDataView calibration)
    {
        using var file = new TemporaryFile(env, ".onnx");
        OnnxFile.Write(
            file.Path, graph,
            [.. graph.Nodes.Where(node => node.MayBeRounded).Select(node => (new GraphValue(node.Outputs[0]), (long?)null))],
            new Dictionary<string, string>());
        using var session = new InferenceSession(file.Path);
        var ranges = new Dictionary<string, (float Least, float Most)>(StringComparer.Ordinal);
        foreach (var row in Samples(model, calibration))
        {
            using var outputs = session.Run(InputsOf(row, tensors, graph.Inputs));
            foreach (var output in outputs)
            {
                var values = ((DenseTensor<float>)output.Value).Buffer.Span;
                var (least, most) = (TensorPrimitives.Min<float>(values), TensorPrimitives.Max<float>(values));
                ranges[output.Name] = ranges.TryGetValue(output.Name, out var known)
                    ? (Math.Min(known.Least, least), Math.Max(known.Most, most))
                    : (least, most);
            }
        }
        return ranges.Count > 0 ? ranges : throw new InvalidOperationException(
            "OnnxPrecision.Int8: none of the calibration photos could be read. Give some dozens of typical ones.");
    }

    /// <summary>The first encoded rows, without those that cannot be read. Each is valid until the next one.</summary>
    /// <param name="model">Model whose preprocessing is used.</param>
    /// <param name="calibration">Rows with the model's columns.</param>
    public static IEnumerable<byte[]> Samples(FineTuningTransformer model, IDataView calibration)
    {
        var columns = model.Inputs.ColumnsOf(model.Host, calibration.Schema, "calibration ");
        using var cursor = calibration.GetRowCursor(columns);
        using var reader = model.Inputs.Read(model.Host, cursor, places: 1);
        var bytes = new byte[reader.Length];
        for (var taken = 0; taken < Rows && cursor.MoveNext(); taken++)
        {
            reader.Take(0);
            if (reader.Encode(0, Augmentation.None, bytes) is null)
                yield return bytes;
        }
    }

    private static List<NamedOnnxValue> InputsOf(
        ReadOnlySpan<byte> sample, IReadOnlyList<TensorColumn> tensors, IReadOnlyList<GraphInput> inputs)
    {
        var values = new List<NamedOnnxValue>();
        foreach (var (tensor, input) in tensors.Zip(inputs))
        {
            var own = sample[..tensor.SampleLength];
            sample = sample[tensor.SampleLength..];
            int[] shape = [1, .. input.Shape.Select(size => (int)size)];
            values.Add(
                tensor is PixelTensor ? NamedOnnxValue.CreateFromTensor(input.Value.Name, PixelsOf(own, shape))
                : input.Elements == GraphElement.UInt32 ? NamedOnnxValue.CreateFromTensor(input.Value.Name, KeysOf(own, shape))
                : NamedOnnxValue.CreateFromTensor(
                    input.Value.Name, new DenseTensor<float>(MemoryMarshal.Cast<byte, float>(own).ToArray(), shape)));
        }
        return values;
    }

    /// <summary>The pixels of an encoded picture: [H, W, 3] -> [1, 3, H, W].</summary>
    public static DenseTensor<float> PixelsOf(ReadOnlySpan<byte> bytes, int[] shape)
    {
        var pixels = new DenseTensor<float>(shape);
        var plane = bytes.Length / 3;
        for (var i = 0; i < bytes.Length; i++)
            pixels.Buffer.Span[i % 3 * plane + i / 3] = bytes[i];
        return pixels;
    }

    private static DenseTensor<uint> KeysOf(ReadOnlySpan<byte> bytes, int[] shape) =>
        new(Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), key => (uint)key), shape);
}
