using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles.Pickle;

// What a pickle can hold here. None is null; booleans, integers (long, or BigInteger beyond it), floats and texts are .NET's own.

/// <summary>A Python tuple.</summary>
internal sealed record PickledTuple(IReadOnlyList<object?> Items);

/// <summary>A Python list or set.</summary>
internal sealed record PickledList(List<object?> Items);

/// <summary>A Python dictionary, in its order. The attributes are those of an OrderedDict object itself.</summary>
internal sealed record PickledDictionary(List<KeyValuePair<object?, object?>> Items)
{
    public object? Attributes { get; set; }
}

/// <summary>A class or function by its Python name, such as <c>collections.OrderedDict</c>.
/// Only the name is kept.</summary>
/// <param name="Name">Module and name.</param>
/// <param name="Offset">Byte position in the file where it occurs.</param>
internal sealed record PickledName(string Name, long Offset);

/// <summary>Numbers of a tensor, somewhere in the file.</summary>
/// <param name="Key">Name of the storage in the file.</param>
/// <param name="Type">Element type; null for untyped bytes, whose type each tensor gives.</param>
/// <param name="ByteLength">Length of the whole storage.</param>
/// <param name="Start">First byte of a view of it.</param>
/// <param name="End">Byte after the view.</param>
internal sealed record PickledStorage(string Key, ScalarType? Type, long ByteLength, long Start, long End);

/// <summary>A tensor: a view of a storage.</summary>
/// <param name="Storage">The storage with its numbers.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Strides">Strides in elements.</param>
/// <param name="Offset">Byte of the first number, from the storage's start.</param>
internal sealed record PickledTensor(PickledStorage Storage, ScalarType Type, long[] Shape, long[] Strides, long Offset);

/// <summary>Placeholder of an object that is not created: its content is dropped, nothing is called.</summary>
/// <param name="Name">Name of the class or function that Python would call.</param>
/// <param name="Offset">Byte of the file.</param>
/// <param name="IsOrdinary">Whether it is one of the harmless things that checkpoints often
/// hold: a numpy number, a device, a long text.</param>
internal sealed record PickledUnknown(string Name, long Offset, bool IsOrdinary);
