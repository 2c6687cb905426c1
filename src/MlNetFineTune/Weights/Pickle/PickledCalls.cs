using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.WeightFiles.Pickle;

/// <summary>
/// The functions and classes that state dictionaries call (torch/_utils.py, torch/_tensor.py; the list of
/// torch/_weights_only_unpickler.py), each replaced by a plain value. Every other name gives a <see cref="PickledUnknown"/>.
/// </summary>
internal static class PickledCalls
{
    /// <param name="name">The function or class that is called.</param>
    /// <param name="arguments">Arguments of the call.</param>
    /// <param name="countCopies">Called with the number of values before they are copied; may refuse by an exception.</param>
    /// <exception cref="FormatException">A known name with arguments that it cannot have.</exception>
    public static object? Call(PickledName name, IReadOnlyList<object?> arguments, Action<int> countCopies)
    {
        switch (name.Name)
        {
            case "collections.OrderedDict":
            case "collections.defaultdict":
            case "builtins.dict":
                return Dictionary(arguments, countCopies);
            case "torch.Size":
                return arguments is [PickledTuple size] ? size : throw Odd("torch.Size");
            case "torch._utils._rebuild_tensor": // (storage, offset, size, stride)
            case "torch._utils._rebuild_tensor_v2": // and (requires_grad, hooks, metadata)
                return Tensor(name, arguments, typeAt: null, countCopies);
            case "torch._utils._rebuild_tensor_v3": // (storage, offset, size, stride, requires_grad, hooks, dtype, metadata)
                return Tensor(name, arguments, typeAt: 6, countCopies);
            case "torch._utils._rebuild_parameter": // (tensor, requires_grad, hooks)
            case "torch._utils._rebuild_parameter_with_state":
            case "torch.nn.parameter.Parameter":
            case "torch.nn.parameter.Buffer":
            case "torch.autograd.variable.Variable":
                return arguments is [PickledTensor or PickledUnknown, ..] ? arguments[0] : throw Odd("a parameter");
            case "torch._tensor._rebuild_from_type_v2": // (function, type, arguments, state): a tensor with attributes of its own
                return arguments is [PickledName function, PickledName, PickledTuple { Items: var inner }, ..] && function.Name != name.Name
                    ? Call(function, inner, countCopies)
                    : throw Odd("a tensor with attributes");
            case "copyreg._reconstructor": // (class, base, state)
            case "copy_reg._reconstructor":
                return arguments is [PickledName made, ..] ? Unknown(made) : throw Odd("an object");
            default:
                return Unknown(name);
        }
    }

    /// <summary>The placeholder of an object of that class.</summary>
    public static PickledUnknown Unknown(PickledName name) => new(name.Name, name.Offset, IsOrdinary(name.Name));

    private static bool IsOrdinary(string name) =>
        name is "_codecs.encode" or "numpy.dtype" or "numpy.ndarray" or "torch.device" or "torch.layout"
            or "torch.serialization._get_layout" or "collections.Counter"
        || name is "numpy.core.multiarray.scalar" or "numpy.core.multiarray._reconstruct" or "numpy._core.multiarray.scalar"
            or "numpy._core.multiarray._reconstruct"
        || name.StartsWith("builtins.", StringComparison.Ordinal) || name.StartsWith("__builtin__.", StringComparison.Ordinal)
        || (name.StartsWith("torch.", StringComparison.Ordinal) && ElementTypes.OfTorch(name["torch.".Length..]) is not null);

    // Python 3 fills the dictionary afterwards; Python 2 passes a list of pairs.
    private static PickledDictionary Dictionary(IReadOnlyList<object?> arguments, Action<int> countCopies)
    {
        countCopies(arguments.Count);
        var result = new PickledDictionary([]);
        foreach (var argument in arguments)
        {
            if (argument is not PickledList list)
                continue; // A defaultdict's function.
            countCopies(list.Items.Count);
            foreach (var item in list.Items)
            {
                var pair = (item as PickledTuple)?.Items ?? (item as PickledList)?.Items;
                result.Items.Add(pair is [var key, var value] ? new(key, value) : throw Odd("a dictionary"));
            }
        }
        return result;
    }

    private static object Tensor(PickledName name, IReadOnlyList<object?> arguments, int? typeAt, Action<int> countCopies)
    {
        if (arguments is [PickledUnknown unknown, ..])
            return unknown; // an unsupported element type
        if (arguments is not [PickledStorage storage, long offset, var size, var stride, ..] || Integers(size) is not { } shape
            || Integers(stride) is not { } strides)
            throw Odd("a tensor");
        countCopies(shape.Length + strides.Length);
        var type = storage.Type;
        if (typeAt is { } at)
        {
            if (arguments.Count <= at || arguments[at] is not PickledName { Name: var typeName } typed
                || !typeName.StartsWith("torch.", StringComparison.Ordinal))
                throw Odd("a tensor");
            type = ElementTypes.OfTorch(typeName["torch.".Length..]);
            if (type is null)
                return new PickledUnknown($"a tensor of {SafeText.Of(typeName)}", typed.Offset, IsOrdinary: false);
        }
        return type is null
            ? new PickledUnknown("a tensor of untyped bytes", name.Offset, IsOrdinary: false)
            : Checked(storage, type.Value, offset, shape, strides);
    }

    private static PickledTensor Checked(PickledStorage storage, ScalarType type, long offset, long[] shape, long[] strides)
    {
        var size = ElementTypes.Size(type);
        if (shape.Length != strides.Length || shape.Length > WeightEntry.MaximumDimensions || offset < 0 || shape.Any(length => length < 0)
            || strides.Any(step => step < 0)
            || WeightEntry.ByteCount(shape, size) is null)
        {
            throw new FormatException($"{What()} is impossible");
        }
        // Nothing is read for an empty tensor.
        if (shape.Contains(0))
            return new(storage, type, shape, WeightEntry.RowMajor(shape), storage.Start);

        // A step of zero repeats a number, as expand() does. Otherwise each stride must be at least the extent of the inner dimensions.
        Int128 span = 1;
        foreach (var (step, length) in strides.Zip(shape).Where(pair => pair is { Second: > 1, First: > 0 }).OrderBy(pair => pair.First))
        {
            if (step < span)
                throw new FormatException($"{What()} overlaps itself");
            span += (Int128)step * (length - 1);
        }
        if (storage.Start + ((Int128)offset + span) * size > storage.End)
            throw new FormatException(
                $"{What()} reaches out of its storage {SafeText.Quoted(storage.Key)} of {storage.End - storage.Start} bytes");
        return new(storage, type, shape, strides, storage.Start + offset * size);

        string What() => $"a tensor of shape {WeightEntry.Text(shape)}, strides {WeightEntry.Text(strides)}, offset {offset}";
    }

    private static long[]? Integers(object? value)
    {
        // Their number first: a tuple of a million items is looked at as often as the file says.
        if (value is not PickledTuple { Items: var items } || items.Count > WeightEntry.MaximumDimensions
            || items.Any(item => item is not long))
            return null;
        return [.. items.Cast<long>()];
    }

    private static FormatException Odd(string what) => new($"{what} is made of something else than it should");
}
