using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>A value of a graph: what goes in, or what an operator gives. Always of floats.</summary>
internal readonly record struct GraphValue(string Name);

/// <summary>An operator of the ONNX standard's default domain.</summary>
/// <param name="Operator">Name of the operator in ONNX, such as <c>Conv</c>.</param>
/// <param name="Inputs">Input values and constants.</param>
/// <param name="Outputs">Output values, usually one.</param>
/// <param name="Attributes">Attributes by name: a long, a float, a text, an array of longs or a constant.</param>
internal sealed record GraphNode(
    string Operator, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs, IReadOnlyList<(string Name, object Value)> Attributes);

/// <summary>Numbers that belong to a graph.</summary>
/// <param name="Name">Name of a weight, as in weight files.</param>
/// <param name="Shape">Dimensions.</param>
/// <param name="Values">Floats; longs where an operator takes sizes;
/// half-precision numbers, bytes or integers in a compressed file.</param>
internal sealed record GraphConstant(string Name, long[] Shape, Array Values);

/// <summary>
/// A network in inference mode as operators of the ONNX standard (version 17 of its operators). Every layer has a method that writes its
/// operators, beside the one that computes; nothing is traced. The batch size stays variable: no operator depends on it.
/// </summary>
/// <param name="input">Name of the input, [N, C, H, W], or what else enters the network.</param>
/// <param name="size">Height and width of the input, in pixels; 0 where it is no picture.</param>
internal sealed class NetworkGraph(string input, int size)
{
    public const int OperatorSet = 17;

    private readonly List<GraphNode> _nodes = [];
    private readonly List<GraphConstant> _constants = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal) { input };

    public GraphValue Input { get; } = new(input);

    public int Size { get; } = size;

    /// <summary>The nodes, in the order of computation.</summary>
    public IReadOnlyList<GraphNode> Nodes => _nodes;

    public IReadOnlyList<GraphConstant> Constants => _constants;

    /// <summary>The same from input to outputs with other operators and numbers.</summary>
    public NetworkGraph Rewritten(IEnumerable<GraphNode> nodes, IEnumerable<GraphConstant> constants)
    {
        var graph = new NetworkGraph(Input.Name, Size);
        graph._nodes.AddRange(nodes);
        graph._constants.AddRange(constants);
        return graph;
    }

    /// <param name="name">Name of the operator.</param>
    /// <param name="inputs">Values and constants, in the order of the operator.</param>
    /// <param name="attributes">As <see cref="GraphNode"/> takes them.</param>
    public GraphValue Add(string name, GraphValue[] inputs, params (string Name, object Value)[] attributes)
    {
        var output = Unused(name.ToLowerInvariant());
        _nodes.Add(new GraphNode(name, [.. inputs.Select(value => value.Name)], [output], attributes));
        return new GraphValue(output);
    }

    /// <summary>Copies a weight.</summary>
    /// <param name="name">Name of the value, as near to the weight file's as the layer knows it.</param>
    /// <param name="tensor">The tensor; the caller owns it.</param>
    public GraphValue Constant(string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        return Constant(name, tensor.shape, tensor.detach().cpu().to_type(ScalarType.Float32).contiguous().data<float>().ToArray());
    }

    public GraphValue Constant(string name, long[] shape, float[] values) => Constant(name, shape, (Array)values);

    public GraphValue Constant(string name, params long[] values) => Constant(name, [values.Length], (Array)values);

    public GraphValue Scalar(string name, float value) => Constant(name, [], [value]);

    public GraphValue Sum(GraphValue left, GraphValue right) => Add("Add", [left, right]);

    public GraphValue Product(GraphValue left, GraphValue right) => Add("Mul", [left, right]);

    public GraphValue Transpose(GraphValue value, params long[] order) => Add("Transpose", [value], ("perm", order));

    /// <param name="value">A tensor of any shape.</param>
    /// <param name="shape">The new shape: 0 keeps a dimension, -1 is inferred.</param>
    public GraphValue Reshape(GraphValue value, params long[] shape) => Add("Reshape", [value, Constant("shape", shape)]);

    /// <summary>[N, C, H, W] -> [N, C, 1, 1].</summary>
    public GraphValue Average(GraphValue maps) => Add("GlobalAveragePool", [maps]);

    /// <summary>[N, C, H, W] -> [N, C].</summary>
    public GraphValue AverageFlat(GraphValue maps) => Add("Flatten", [Average(maps)], ("axis", 1L));

    /// <summary>Values that are not zero where <paramref name="axis"/> lies between the two; negative ends count from behind.</summary>
    public GraphValue Slice(GraphValue value, long axis, long start, long end, long step = 1) =>
        Add("Slice", [value, Constant("starts", start), Constant("ends", end), Constant("axes", axis), Constant("steps", step)]);

    public GraphValue Concat(long axis, params GraphValue[] values) => Add("Concat", values, ("axis", axis));

    public GraphValue Softmax(GraphValue value) => Add("Softmax", [value], ("axis", -1L));

    /// <summary>The same value under a name that others may rely on.</summary>
    public GraphValue Named(string name, GraphValue value)
    {
        if (!_names.Add(name))
            throw new ArgumentException($"The graph has a value '{name}' already.", nameof(name));
        _nodes.Add(new GraphNode("Identity", [value.Name], [name], []));
        return new GraphValue(name);
    }

    private GraphValue Constant(string name, long[] shape, Array values)
    {
        var unused = Unused(name);
        _constants.Add(new GraphConstant(unused, shape, values));
        return new GraphValue(unused);
    }

    private string Unused(string wanted)
    {
        var name = wanted;
        for (var i = 1; !_names.Add(name); i++)
            name = FormattableString.Invariant($"{wanted}_{i}");
        return name;
    }
}
