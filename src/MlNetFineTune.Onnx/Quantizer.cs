using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Onnx;

/// <summary>
/// Rewrites a graph for 8-bit integers. Around convolutions and the operators between them, values are quantized to 256 steps and
/// dequantized (QuantizeLinear, DequantizeLinear): a runtime that supports it computes these parts in integers; other runtimes give the
/// same scores. A linear layer becomes MatMulInteger with dynamic quantization of its input.
/// </summary>
/// <param name="graph">The graph in floats.</param>
/// <param name="ranges">Ranges of the network's values.</param>
internal sealed class Quantizer(NetworkGraph graph, IReadOnlyDictionary<string, (float Least, float Most)> ranges)
{
    // Seven bits: processors without VNNI add two 8-bit products in 16 bits, which may overflow.
    private const int WeightLevels = 63;

    private static readonly HashSet<string> s_activations = ["Relu", "Clip"];
    private static readonly HashSet<string> s_between = ["Conv", "Add", "MaxPool", "GlobalAveragePool", "Concat"];

    private readonly List<GraphNode> _nodes = [];
    private readonly Dictionary<string, GraphConstant> _constants =
        graph.Constants.ToDictionary(constant => constant.Name, StringComparer.Ordinal);
    private readonly Dictionary<string, string> _rounded = new(StringComparer.Ordinal);
    private readonly Dictionary<string, float> _scales = new(StringComparer.Ordinal);

    // In transformers, sums and products of tokens remain floats: without convolutions there is nothing to gain.
    private readonly bool _isConvolutional = graph.Nodes.All(node => node.Operator != "MatMul" || !node.MayBeRounded);

    public NetworkGraph Quantize()
    {
        var consumers = graph.Nodes.SelectMany(node => node.Inputs.Select(input => (input, node)))
            .ToLookup(pair => pair.input, pair => pair.node);
        foreach (var node in graph.Nodes)
        {
            var own = node with { Inputs = [.. node.Inputs.Select(input => _rounded.GetValueOrDefault(input, input))] };
            if (node.Operator == "MatMul" && node.MayBeRounded && _constants.TryGetValue(node.Inputs[1], out var weight))
                AddLinear(own, weight);
            else if (node.Operator == "Conv" && ranges.ContainsKey(node.Outputs[0]))
                AddConvolution(own, node.Inputs[0]);
            else
                _nodes.Add(own);
            if (ranges.ContainsKey(node.Outputs[0]) && IsRounded(node, [.. consumers[node.Outputs[0]]]))
                Round(node.Outputs[0]);
        }
        return graph.Rewritten(_nodes, _constants.Values);
    }

    private bool IsRounded(GraphNode node, IReadOnlyList<GraphNode> consumers)
    {
        if (node.Operator == "Conv")
            return consumers is not [{ Operator: var only }] || !s_activations.Contains(only);
        return consumers.Any(consumer => s_between.Contains(consumer.Operator) && consumer.MayBeRounded
            && (_isConvolutional || consumer.Operator == "Conv"));
    }

    private void Round(string value)
    {
        var (scale, zero) = Steps(ranges[value]);
        string[] parameters = [Constant($"{value}.scale", [], new[] { scale }), Constant($"{value}.zero", [], new[] { zero })];
        _nodes.Add(new GraphNode("QuantizeLinear", [value, .. parameters], [$"{value}.integers"], []));
        _nodes.Add(new GraphNode("DequantizeLinear", [$"{value}.integers", .. parameters], [$"{value}.rounded"], []));
        (_rounded[value], _scales[value]) = ($"{value}.rounded", scale);
    }

    private void AddConvolution(GraphNode node, string input)
    {
        var weight = Take(node.Inputs[1]);
        var channels = (int)weight.Shape[0];
        var (integers, scales) = Rounded(
            (float[])weight.Values, channels, (channel, i) => channel * (((float[])weight.Values).Length / channels) + i);
        string[] parameters = [Constant($"{weight.Name}.scale", [channels], scales),
            Constant($"{weight.Name}.zero", [channels], new sbyte[channels])];
        Widen(weight, integers, parameters);
        if (node.Inputs.Count > 2 && _scales.TryGetValue(input, out var step))
        {
            // In the scale of the products, so that the integers can be added.
            var bias = Take(node.Inputs[2]);
            var steps = Array.ConvertAll(scales, scale => scale * step);
            var values = ((float[])bias.Values)
                .Zip(steps, (value, size) => (int)Math.Clamp(Math.Round(value / size), int.MinValue, int.MaxValue)).ToArray();
            Widen(
                bias, values, [Constant($"{bias.Name}.scale", [channels], steps),
                    Constant($"{bias.Name}.zero", [channels], new int[channels])]);
        }
        _nodes.Add(node);
    }

    private void AddLinear(GraphNode node, GraphConstant weight)
    {
        _constants.Remove(weight.Name);
        var (values, columns) = ((float[])weight.Values, (int)weight.Shape[1]); // [in, out]
        var (integers, scales) = Rounded(values, columns, (column, i) => i * columns + column);
        var output = node.Outputs[0];
        string[] input = [$"{output}.input", $"{output}.input.scale", $"{output}.input.zero"];
        _nodes.Add(new GraphNode("DynamicQuantizeLinear", [node.Inputs[0]], input, []));
        _nodes.Add(
            new GraphNode("MatMulInteger", [input[0], Constant($"{weight.Name}.integers", weight.Shape, integers), input[2]],
                [$"{output}.integers"], []));
        _nodes.Add(new GraphNode("Cast", [$"{output}.integers"], [$"{output}.floats"], [("to", OnnxFile.FloatType)]));
        _nodes.Add(new GraphNode("Mul", [input[1], Constant($"{weight.Name}.scale", [columns], scales)], [$"{output}.scale"], []));
        _nodes.Add(new GraphNode("Mul", [$"{output}.floats", $"{output}.scale"], [output], []));
    }

    /// <summary>Symmetric quantization with a scale for each output: zero is exact.</summary>
    private static (sbyte[] Integers, float[] Scales) Rounded(float[] values, int outputs, Func<int, int, int> place)
    {
        var (integers, scales) = (new sbyte[values.Length], new float[outputs]);
        for (var output = 0; output < outputs; output++)
        {
            var most = 0f;
            for (var i = 0; i < values.Length / outputs; i++)
                most = Math.Max(most, Math.Abs(values[place(output, i)]));
            scales[output] = most > 0 ? most / WeightLevels : 1;
            for (var i = 0; i < values.Length / outputs; i++)
                integers[place(output, i)] = (sbyte)MathF.Round(values[place(output, i)] / scales[output]);
        }
        return (integers, scales);
    }

    // Zero, which padding inserts, must be representable exactly.
    private static (float Scale, byte Zero) Steps((float Least, float Most) range)
    {
        var (least, most) = (Math.Min(range.Least, 0), Math.Max(range.Most, 0));
        var scale = most > least ? (most - least) / 255 : 1;
        return (scale, (byte)Math.Clamp(MathF.Round(-least / scale), 0, 255));
    }

    private void Widen(GraphConstant old, Array integers, string[] parameters) =>
        _nodes.Add(
            new GraphNode("DequantizeLinear", [Constant($"{old.Name}.integers", old.Shape, integers), .. parameters], [old.Name],
                [("axis", 0L)]));

    private GraphConstant Take(string name)
    {
        _constants.Remove(name, out var constant);
        return constant!;
    }

    private string Constant(string name, long[] shape, Array values)
    {
        _constants.Add(name, new GraphConstant(name, shape, values));
        return name;
    }
}
