using System.Runtime.InteropServices;
using Google.Protobuf;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx.FileFormat;
using MlNetFineTune.Primitives;
using AttributeType = MlNetFineTune.Onnx.FileFormat.AttributeProto.Types.AttributeType;
using DataType = MlNetFineTune.Onnx.FileFormat.TensorProto.Types.DataType;

namespace MlNetFineTune.Onnx;

/// <summary>Writes a graph as an ONNX file with the messages of <c>onnx.proto</c>.</summary>
internal static class OnnxFile
{
    /// <summary>Value of the attribute <c>to</c> of a <c>Cast</c> to float.</summary>
    public const long FloatType = NetworkGraph.FloatType;

    // The first version of the format with operator set 17.
    private const long FormatVersion = 8;

    // A protocol buffer has at most 2^31 - 1 bytes. Names and nodes of the largest networks need a few MiB.
    private const long MostConstantBytes = int.MaxValue - (16L << 20);

    /// <param name="path">Path of the file, replaced atomically.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="outputs">Outputs and their lengths; a null length omits the shape.</param>
    /// <param name="metadata">Metadata properties of the file.</param>
    /// <exception cref="NotSupportedException">The graph's constants are too large for one file.</exception>
    public static void Write(
        string path, NetworkGraph graph, IReadOnlyList<(GraphValue Value, long? Length)> outputs,
        IReadOnlyDictionary<string, string> metadata)
    {
        var model = Model(graph, outputs, metadata);
        AtomicFile.Write(path, stream => model.WriteTo(stream));
    }

    /// <summary>The bytes of a file without metadata.</summary>
    /// <inheritdoc cref="Write"/>
    public static byte[] ToBytes(NetworkGraph graph, IReadOnlyList<(GraphValue Value, long? Length)> outputs) =>
        Model(graph, outputs, new Dictionary<string, string>()).ToByteArray();

    private static ModelProto Model(
        NetworkGraph graph, IReadOnlyList<(GraphValue Value, long? Length)> outputs, IReadOnlyDictionary<string, string> metadata)
    {
        CheckSize(graph);
        return new ModelProto
        {
            IrVersion = FormatVersion,
            ProducerName = "MlNetFineTune",
            ProducerVersion = typeof(OnnxFile).Assembly.GetName().Version!.ToString(),
            Graph = Graph(graph, outputs),
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = NetworkGraph.OperatorSet } },
            MetadataProps = { metadata.Select(entry => new StringStringEntryProto { Key = entry.Key, Value = entry.Value }) },
        };
    }

    private static void CheckSize(NetworkGraph graph)
    {
        var inNodes = graph.Nodes.SelectMany(node => node.Attributes).Select(attribute => attribute.Value).OfType<GraphConstant>();
        var bytes = graph.Constants.Concat(inNodes).Sum(constant => ByteLength(constant.Values));
        if (bytes > MostConstantBytes)
        {
            throw new NotSupportedException(
                $"The network's weights take {bytes >> 20} MiB, and an ONNX file holds at most {MostConstantBytes >> 20} MiB. "
                + "Export it with OnnxPrecision.Float16 or OnnxPrecision.Int8.");
        }
    }

    private static GraphProto Graph(NetworkGraph graph, IReadOnlyList<(GraphValue Value, long? Length)> outputs) => new()
    {
        Node = { graph.Nodes.Select(Node) },
        Name = "network",
        Initializer = { graph.Constants.Select(Tensor) },
        Input = { graph.Inputs.Select(input => ValueInfo(input.Value, TypeOf(input.Elements), input.Shape)) },
        Output = { outputs.Select(output => ValueInfo(output.Value, DataType.Float, output.Length is { } length ? [length] : null)) },
    };

    private static DataType TypeOf(GraphElement elements) => elements switch
    {
        GraphElement.Byte => DataType.Uint8,
        GraphElement.UInt32 => DataType.Uint32,
        GraphElement.Int64 => DataType.Int64,
        _ => DataType.Float,
    };

    private static NodeProto Node(GraphNode node) => new()
    {
        Input = { node.Inputs },
        Output = { node.Outputs },
        Name = node.Outputs[0],
        OpType = node.Operator,
        Attribute = { node.Attributes.Select(attribute => Attribute(attribute.Name, attribute.Value)) },
    };

    private static AttributeProto Attribute(string name, object value) => value switch
    {
        float number => new() { Name = name, F = number, Type = AttributeType.Float },
        long number => new() { Name = name, I = number, Type = AttributeType.Int },
        string text => new() { Name = name, S = ByteString.CopyFromUtf8(text), Type = AttributeType.String },
        GraphConstant tensor => new() { Name = name, T = Tensor(tensor), Type = AttributeType.Tensor },
        long[] numbers => new() { Name = name, Ints = { numbers }, Type = AttributeType.Ints },
        _ => throw new NotSupportedException($"An attribute of type {value.GetType().Name}."),
    };

    private static TensorProto Tensor(GraphConstant constant) => new()
    {
        Name = constant.Name,
        Dims = { constant.Shape },
        DataType = (int)ElementOf(constant.Values).Type,
        RawData = RawData(constant.Values),
    };

    private static ByteString RawData(Array values)
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("ONNX files are little-endian.");
        return ByteString.CopyFrom(
            MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(values), checked((int)ByteLength(values))));
    }

    private static long ByteLength(Array values) => values.LongLength * ElementOf(values).Size;

    // Compares the exact type: the .NET runtime treats an array of sbyte as an array of byte as well.
    private static (DataType Type, int Size) ElementOf(Array values) => values.GetType().GetElementType() switch
    {
        var type when type == typeof(float) => (DataType.Float, sizeof(float)),
        var type when type == typeof(byte) => (DataType.Uint8, sizeof(byte)),
        var type when type == typeof(sbyte) => (DataType.Int8, sizeof(sbyte)),
        var type when type == typeof(int) => (DataType.Int32, sizeof(int)),
        var type when type == typeof(long) => (DataType.Int64, sizeof(long)),
        var type when type == typeof(Half) => (DataType.Float16, 2),
        _ => throw new NotSupportedException($"A constant of type {values.GetType().Name}."),
    };

    // Shape [batch, ...] with a symbolic batch dimension, and a symbolic number of steps where rows differ in length.
    private static ValueInfoProto ValueInfo(GraphValue value, DataType elements, IReadOnlyList<long>? shape)
    {
        var tensor = new TypeProto.Types.Tensor { ElemType = (int)elements };
        if (shape is not null)
        {
            tensor.Shape = new TensorShapeProto
            {
                Dim =
                {
                    new TensorShapeProto.Types.Dimension { DimParam = "batch" },
                    shape.Select(size => size == GraphInput.Steps
                        ? new TensorShapeProto.Types.Dimension { DimParam = "tokens" }
                        : new TensorShapeProto.Types.Dimension { DimValue = size }),
                },
            };
        }
        return new ValueInfoProto { Name = value.Name, Type = new TypeProto { TensorType = tensor } };
    }
}
