using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>A value of a graph: an input or the output of an operator.</summary>
internal readonly record struct GraphValue(string Name);

/// <summary>An operator of the ONNX standard's default domain.</summary>
/// <param name="Operator">Name of the operator in ONNX, such as <c>Conv</c>.</param>
/// <param name="Inputs">Input values and constants.</param>
/// <param name="Outputs">Output values, usually one.</param>
/// <param name="Attributes">Attributes by name: a long, a float, a text, an array of longs or a constant.</param>
/// <param name="MayBeRounded">Whether 8-bit files may quantize it; false for indices, Booleans and a table's numbers.</param>
internal sealed record GraphNode(
    string Operator, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs, IReadOnlyList<(string Name, object Value)> Attributes,
    bool MayBeRounded = true);

/// <summary>What a network gives in a graph.</summary>
/// <param name="Outputs">[N, outputs].</param>
/// <param name="Features">The features before the head, [N, ...]; null if they are not a value of the graph.</param>
internal readonly record struct GraphNetwork(GraphValue Outputs, GraphValue? Features);

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
/// <param name="size">Height and width of the picture in pixels; 0 if the input is not a picture.</param>
internal sealed class NetworkGraph(int size = 0)
{
    public const int OperatorSet = 17;

    /// <summary>Value of the attribute <c>to</c> of a <c>Cast</c> to float: a TensorProto.DataType of the standard.</summary>
    public const long FloatType = 1;

    private const long Int64Type = 7;

    private readonly List<GraphInput> _inputs = [];
    private readonly List<GraphNode> _nodes = [];
    private readonly List<GraphConstant> _constants = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<object, object> _shared = [];

    public int Size { get; } = size;

    /// <summary>The inputs, in the order of declaration.</summary>
    public IReadOnlyList<GraphInput> Inputs => _inputs;

    /// <summary>The nodes, in the order of computation.</summary>
    public IReadOnlyList<GraphNode> Nodes => _nodes;

    public IReadOnlyList<GraphConstant> Constants => _constants;

    /// <summary>The same from input to outputs with other operators and numbers.</summary>
    public NetworkGraph Rewritten(IEnumerable<GraphNode> nodes, IEnumerable<GraphConstant> constants)
    {
        var graph = new NetworkGraph(Size);
        graph._inputs.AddRange(_inputs);
        graph._nodes.AddRange(nodes);
        graph._constants.AddRange(constants);
        return graph;
    }

    /// <summary>Declares an input; all inputs are declared before the first operator.</summary>
    /// <param name="name">Name in the file.</param>
    /// <param name="shape">Shape of one row.</param>
    /// <param name="elements">Element type.</param>
    /// <exception cref="NotSupportedException">The name is already used.</exception>
    public GraphValue AddInput(string name, IReadOnlyList<long> shape, GraphElement elements = GraphElement.Single)
    {
        Take(name);
        _inputs.Add(new GraphInput(new GraphValue(name), elements, shape));
        return new GraphValue(name);
    }

    /// <param name="name">Name of the operator.</param>
    /// <param name="inputs">Values and constants, in the order of the operator.</param>
    /// <param name="attributes">As <see cref="GraphNode"/> takes them.</param>
    public GraphValue Add(string name, GraphValue[] inputs, params (string Name, object Value)[] attributes) =>
        Add(name.ToLowerInvariant(), name, inputs, attributes);

    /// <summary>The same with a separate name, so that the names of all other values do not change.</summary>
    public GraphValue AddNamed(string output, string name, GraphValue[] inputs, params (string Name, object Value)[] attributes) =>
        Add(output, name, inputs, attributes);

    /// <summary>An operator on indices, or with Boolean output.</summary>
    public GraphValue AddExact(string name, params GraphValue[] inputs) =>
        Add(name.ToLowerInvariant(), name, inputs, [], mayBeRounded: false);

    /// <summary>What several layers use, written by the first that asks for it.</summary>
    /// <param name="key">What is shared, such as the object that writes it.</param>
    /// <param name="write">Adds its operators.</param>
    public T Once<T>(object key, Func<T> write)
        where T : notnull
    {
        if (_shared.TryGetValue(key, out var written))
            return (T)written;
        var value = write();
        _shared.Add(key, value);
        return value;
    }

    /// <summary>Converts Booleans or bytes to floats.</summary>
    public GraphValue ToFloats(GraphValue value) => Add("Cast", [value], ("to", FloatType));

    /// <summary>Converts keys to indices for <c>Gather</c>.</summary>
    /// <param name="keys">[N, K].</param>
    /// <param name="isSingle">Whether the result has the shape [N], for one key per row.</param>
    public GraphValue ToIndices(GraphValue keys, bool isSingle)
    {
        var indices = Add("indices", "Cast", [keys], [("to", Int64Type)], mayBeRounded: false);
        return isSingle ? Add("indices", "Reshape", [indices, Constant("shape", -1L)], [], mayBeRounded: false) : indices;
    }

    /// <summary>The first rows of a table, as many as there are steps: [most, ...], [N, T, ...] -> [T, ...].</summary>
    public GraphValue FirstRows(GraphValue table, GraphValue steps) =>
        Add("Slice", [table, Constant("starts", 0L), CountOf(steps), Constant("axes", 0L)]);

    /// <summary>
    /// A number of a table for each two steps by their distance: [N, T, ...] -> [T, T], Int64, of the column less the row.
    /// </summary>
    /// <param name="table">Numbers of the distances from -(most - 1) to most - 1.</param>
    /// <param name="steps">The steps, at most so many.</param>
    public GraphValue ByDistance(long[] table, GraphValue steps)
    {
        var most = (table.Length + 1) / 2;
        var places = AddExact("Slice", Constant("places", [.. Enumerable.Range(0, most).Select(place => (long)place)]),
            Constant("starts", 0L), CountOf(steps), Constant("axes", 0L)); // [T]
        var distances = AddExact(
            "Sub", AddExact("Unsqueeze", places, Constant("axes", 0L)), AddExact("Unsqueeze", places, Constant("axes", 1L))); // [T, T]
        return AddExact("Gather", Constant("by_distance", table), AddExact("Add", distances, Constant("farthest", most - 1L)));
    }

    /// <summary>A dimension of length 1 before each of these of the result.</summary>
    public GraphValue Unsqueeze(GraphValue value, params long[] axes) => Add("Unsqueeze", [value, Constant("axes", axes)]);

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

    /// <summary>The largest values of each row in descending order, the lower index first among equals, and their indices.</summary>
    /// <param name="value">[N, values].</param>
    /// <param name="count">Number of values. At least 1.</param>
    public (GraphValue Values, GraphValue Indices) TopK(GraphValue value, long count)
    {
        var (values, indices) = (Unused("topk"), Unused("topk_indices"));
        _nodes.Add(new GraphNode(
            "TopK", [value.Name, Constant("k", count).Name], [values, indices], [("axis", -1L), ("largest", 1L), ("sorted", 1L)],
            MayBeRounded: false));
        return (new(values), new(indices));
    }

    public GraphValue Softmax(GraphValue value) => Add("Softmax", [value], ("axis", -1L));

    /// <summary>Excludes the added nodes from quantization.</summary>
    /// <param name="first">Number of nodes before.</param>
    public void KeepExact(int first)
    {
        for (var i = first; i < _nodes.Count; i++)
            _nodes[i] = _nodes[i] with { MayBeRounded = false };
    }

    /// <summary>The same value under a name that others may rely on.</summary>
    /// <exception cref="NotSupportedException">The name is already used.</exception>
    public GraphValue Named(string name, GraphValue value)
    {
        Take(name);
        _nodes.Add(new GraphNode("Identity", [value.Name], [name], []));
        return new GraphValue(name);
    }

    // Number of steps: [N, T, ...] -> [1].
    private GraphValue CountOf(GraphValue steps)
    {
        var shape = Add("shape", "Shape", [steps], [], mayBeRounded: false);
        return Add("steps", "Gather", [shape, Constant("axis", 1L)], [("axis", 0L)], mayBeRounded: false);
    }

    private GraphValue Add(
        string output, string name, GraphValue[] inputs, (string Name, object Value)[] attributes, bool mayBeRounded = true)
    {
        var unused = Unused(output);
        _nodes.Add(new GraphNode(name, [.. inputs.Select(value => value.Name)], [unused], attributes, mayBeRounded));
        return new GraphValue(unused);
    }

    private GraphValue Constant(string name, long[] shape, Array values)
    {
        var unused = Unused(name);
        _constants.Add(new GraphConstant(unused, shape, values));
        return new GraphValue(unused);
    }

    // Inputs are named after columns, whose names are arbitrary.
    private void Take(string name)
    {
        if (!_names.Add(name))
        {
            throw new NotSupportedException(
                $"The inputs and outputs of a network file need different names, and two are called '{name}': inputs are called after "
                + "their columns. Train with another name for the column (Transforms.CopyColumns makes one).");
        }
    }

    private string Unused(string wanted)
    {
        var name = wanted;
        for (var i = 1; !_names.Add(name); i++)
            name = FormattableString.Invariant($"{wanted}_{i}");
        return name;
    }
}
