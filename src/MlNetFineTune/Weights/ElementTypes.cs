using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles;

/// <summary>The element types of weights, by the names of each format.
/// Complex, quantised and 8-bit floating-point types are not supported.</summary>
internal static class ElementTypes
{
    private static readonly (ScalarType Type, int Size, string SafeTensors, string Storage, string[] Torch)[] s_all =
    [
        (ScalarType.Float64, 8, "F64", "DoubleStorage", ["float64", "double"]),
        (ScalarType.Float32, 4, "F32", "FloatStorage", ["float32", "float"]),
        (ScalarType.Float16, 2, "F16", "HalfStorage", ["float16", "half"]),
        (ScalarType.BFloat16, 2, "BF16", "BFloat16Storage", ["bfloat16"]),
        (ScalarType.Int64, 8, "I64", "LongStorage", ["int64", "long"]),
        (ScalarType.Int32, 4, "I32", "IntStorage", ["int32", "int"]),
        (ScalarType.Int16, 2, "I16", "ShortStorage", ["int16", "short"]),
        (ScalarType.Int8, 1, "I8", "CharStorage", ["int8"]),
        (ScalarType.Byte, 1, "U8", "ByteStorage", ["uint8"]),
        (ScalarType.Bool, 1, "BOOL", "BoolStorage", ["bool"]),
    ];

    private static readonly Dictionary<string, ScalarType> s_safeTensors =
        s_all.ToDictionary(one => one.SafeTensors, one => one.Type, StringComparer.Ordinal);
    private static readonly Dictionary<string, ScalarType> s_storages =
        s_all.ToDictionary(one => one.Storage, one => one.Type, StringComparer.Ordinal);
    private static readonly Dictionary<string, ScalarType> s_torch =
        s_all.SelectMany(one => one.Torch, (one, name) => (name, one.Type))
            .ToDictionary(one => one.name, one => one.Type, StringComparer.Ordinal);
    private static readonly Dictionary<ScalarType, int> s_sizes = s_all.ToDictionary(one => one.Type, one => one.Size);

    public static IEnumerable<string> SafeTensorsNames => s_safeTensors.Keys;

    public static string NameInSafeTensors(ScalarType type) => s_all.Single(one => one.Type == type).SafeTensors;

    public static string NameOfStorage(ScalarType type) => s_all.Single(one => one.Type == type).Storage;

    /// <summary>Bytes of one number.</summary>
    public static int Size(ScalarType type) => s_sizes[type];

    public static bool IsKnown(ScalarType type) => s_sizes.ContainsKey(type);

    public static ScalarType? OfSafeTensors(string name) => s_safeTensors.TryGetValue(name, out var type) ? type : null;

    /// <param name="name">PyTorch's class of typed memory, such as <c>FloatStorage</c>.</param>
    public static ScalarType? OfStorage(string name) => s_storages.TryGetValue(name, out var type) ? type : null;

    /// <param name="name">Name without the module, such as <c>float32</c> of <c>torch.float32</c>.</param>
    public static ScalarType? OfTorch(string name) => s_torch.TryGetValue(name, out var type) ? type : null;
}
