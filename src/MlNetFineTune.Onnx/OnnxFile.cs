using Google.Protobuf;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Onnx;

/// <summary>A graph as a file of the ONNX standard. The numbers of the fields are those of its <c>onnx.proto</c> (https://github.com/onnx/onnx).</summary>
internal static class OnnxFile
{
    public const long FloatType = 1;
    private const long ByteType = 2;

    // The first version of the format whose checker knows operator set 17.
    private const long FormatVersion = 8;

    /// <param name="path">Written beside and renamed.</param>
    /// <param name="graph">What it computes.</param>
    /// <param name="inputShape">Without the batch.</param>
    /// <param name="outputs">What comes out, and each one's length; null where the shape is not said.</param>
    /// <param name="metadata">For whoever uses the file.</param>
    /// <param name="takesBytes">What goes in is of bytes, and of floats otherwise.</param>
    public static void Write(
        string path, NetworkGraph graph, long[] inputShape, IReadOnlyList<(GraphValue Value, long? Length)> outputs, IReadOnlyDictionary<string, string> metadata, bool takesBytes = false)
    {
        var model = new ProtoMessage()
            .Add(1, FormatVersion)
            .Add(2, "MlNetFineTune")
            .Add(3, typeof(OnnxFile).Assembly.GetName().Version!.ToString())
            .Add(7, Graph(graph, Described(graph.Input, takesBytes ? ByteType : FloatType, inputShape), outputs))
            .Add(8, new ProtoMessage().Add(1, "").Add(2, NetworkGraph.OperatorSet))
            .Add(14, metadata.Select(entry => new ProtoMessage().Add(1, entry.Key).Add(2, entry.Value)));
        AtomicFile.Write(path, stream =>
        {
            using var output = new CodedOutputStream(stream, leaveOpen: true);
            model.WriteTo(output);
        });
    }

    private static ProtoMessage Graph(NetworkGraph graph, ProtoMessage input, IReadOnlyList<(GraphValue Value, long? Length)> outputs) => new ProtoMessage()
        .Add(1, graph.Nodes.Select(Node))
        .Add(2, "network")
        .Add(5, graph.Constants.Select(Constant))
        .Add(11, input)
        .Add(12, outputs.Select(output => Described(output.Value, FloatType, output.Length is { } length ? [length] : null)));

    private static ProtoMessage Node(GraphNode node) => new ProtoMessage()
        .Add(1, node.Inputs)
        .Add(2, node.Outputs)
        .Add(3, node.Outputs[0])
        .Add(4, node.Operator)
        .Add(5, node.Attributes.Select(attribute => Attribute(attribute.Name, attribute.Value)));

    private static ProtoMessage Attribute(string name, object value)
    {
        var attribute = new ProtoMessage().Add(1, name);
        return value switch
        {
            float number => attribute.Add(2, number).Add(20, 1),
            long number => attribute.Add(3, number).Add(20, 2),
            string text => attribute.Add(4, text).Add(20, 3),
            GraphConstant tensor => attribute.Add(5, Constant(tensor)).Add(20, 4),
            long[] numbers => attribute.Add(8, numbers).Add(20, 7),
            _ => throw new NotSupportedException($"An attribute of type {value.GetType().Name}."),
        };
    }

    private static ProtoMessage Constant(GraphConstant constant)
    {
        var tensor = new ProtoMessage().Add(1, constant.Shape).Add(8, constant.Name);
        return constant.Values switch
        {
            float[] values => tensor.Add(2, FloatType).AddRaw(9, values),
            sbyte[] values when values.GetType() == typeof(sbyte[]) => tensor.Add(2, 3).AddRaw(9, values), // to the runtime an array of the one is an array of the other
            byte[] values => tensor.Add(2, 2).AddRaw(9, values),
            int[] values => tensor.Add(2, 6).AddRaw(9, values),
            long[] values => tensor.Add(2, 7).AddRaw(9, values),
            Half[] values => tensor.Add(2, 10).AddRaw(9, values),
            _ => throw new NotSupportedException($"A constant of type {constant.Values.GetType().Name}."),
        };
    }

    // Of shape [batch, ...], the batch open.
    private static ProtoMessage Described(GraphValue value, long elements, long[]? shape)
    {
        var type = new ProtoMessage().Add(1, elements);
        if (shape is not null)
            type.Add(2, new ProtoMessage().Add(1, [new ProtoMessage().Add(2, "batch"), .. shape.Select(size => new ProtoMessage().Add(1, size))]));
        return new ProtoMessage().Add(1, value.Name).Add(2, new ProtoMessage().Add(1, type));
    }
}
