using MlNetFineTune.MlNet;

namespace MlNetFineTune.WeightFiles.Pickle;

/// <summary>Finds the state dictionary in a checkpoint: the root itself, or a dictionary within it beside epochs,
/// options and optimizers.</summary>
internal sealed class StateDictionary
{
    // What training programs call it; the average of the weights first, as timm's load_state_dict takes it (timm/models/_helpers.py).
    private static readonly string[] s_names =
    [
        "state_dict_ema", "model_ema", "ema_state_dict", "ema_model", "ema", "state_dict", "model_state_dict", "model_state",
        "model", "module",
        "net_state_dict", "net", "network", "weights", "params",
    ];
    private const int MaximumDepth = 4;

    private readonly List<string> _notes = [];

    private StateDictionary()
    {
    }

    public required IReadOnlyList<(string Name, PickledTensor Tensor)> Tensors { get; init; }

    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    public IReadOnlyList<string> Notes => _notes;

    /// <param name="root">The root value of the file.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">There are no weights, or several sets of which none is preferred.</exception>
    public static StateDictionary Find(object? root, string source)
    {
        if (root is not PickledDictionary top)
            throw new InvalidDataException(
                $"'{source}' holds no dictionary of tensors but {Describe(root)}. In Python save model.state_dict() alone.");
        var (path, beside, found) = Search(top, source);
        var tensors = new List<(string, PickledTensor)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var others = new List<string>();
        foreach (var (key, value) in found.Items)
        {
            if (key is not string name)
                throw new InvalidDataException($"'{source}': a tensor's name is {Describe(key)}, expected a text.");
            if (value is not PickledTensor tensor)
                others.Add($"{PickleReader.Printable(name)} ({Describe(value)})");
            else if (names.Add(name))
                tensors.Add((name, tensor));
            else
                throw new InvalidDataException($"'{source}' names tensor '{PickleReader.Printable(name)}' twice.");
        }

        var result = new StateDictionary { Tensors = tensors, Metadata = MetadataOf(found) };
        if (path.Count > 0)
            result._notes.Add($"The weights were found under '{string.Join("' / '", path)}'.");
        if (beside.Count > 0)
            result._notes.Add($"Beside the weights {beside.Count} tensors are no part of them and were left out: "
                + $"{MismatchReport.Few(beside)}.");
        if (others.Count > 0)
            result._notes.Add($"Among the weights {others.Count} entries are no tensors and were left out: {MismatchReport.Few(others)}.");
        result.NoteUnknown(top);
        return result;
    }

    // First under the known names, as timm does, whatever tensors (a loss, a random state, an accuracy) lie beside them; then where the
    // network is: many tensors, not a few.
    private static (IReadOnlyList<string> Path, IReadOnlyList<string> Beside, PickledDictionary Found) Search(
        PickledDictionary top, string source)
    {
        var (path, beside) = (new List<string>(), new List<string>());
        var known = new Dictionary<object, int>(ReferenceEqualityComparer.Instance);
        var current = top;
        while (true)
        {
            var nested = current.Items.Where(item => item is { Key: string, Value: PickledDictionary })
                .Select(item => (Name: (string)item.Key!, Weights: (PickledDictionary)item.Value!))
                .Where(item => !IsOptimizer(item.Name) && MostTensors(item.Weights, known) > 0).ToList();
            var own = TensorNames(current);
            if (own.Count == 0 && (nested.Count == 0 || path.Count == MaximumDepth))
                throw new InvalidDataException($"'{source}' holds no tensors in its dictionary ({Keys(current)}). {Reason(current)}");
            var networks = Networks(nested);
            var chosen = path.Count == MaximumDepth ? default : s_names.SelectMany(name => networks.Where(item => item.Name == name))
                .FirstOrDefault();
            if (chosen.Weights is null)
            {
                if (own.Count > 0 && (path.Count == MaximumDepth || nested.All(item => MostTensors(item.Weights, known) <= own.Count)))
                    return (path, beside, current);
                chosen = networks is [var only] ? only : throw new InvalidDataException(
                    $"'{source}' holds several sets of weights "
                    + $"({MismatchReport.Few(nested.Select(item => PickleReader.Printable(item.Name)))}). "
                    + "In Python save the one that you want.");
            }
            path.Add(PickleReader.Printable(chosen.Name));
            beside.AddRange(own.Select(PickleReader.Printable));
            current = chosen.Weights;
        }
    }

    // A network has matrices or kernels; what else is kept by name (means of classes, say) has vectors. Where that does not tell them
    // apart, all are candidates.
    private static List<(string Name, PickledDictionary Weights)> Networks(List<(string Name, PickledDictionary Weights)> nested)
    {
        var networks = nested
            .Where(item => item.Weights.Items.Any(one => one.Value is PickledTensor { Shape.Length: > 1 } or PickledDictionary)).ToList();
        return networks.Count == 0 ? nested : networks;
    }

    private static List<string> TensorNames(PickledDictionary dictionary) =>
        [.. dictionary.Items.Where(item => item is { Key: string, Value: PickledTensor }).Select(item => (string)item.Key!)];

    private static bool IsOptimizer(string name) => name.Contains("optim", StringComparison.OrdinalIgnoreCase);

    // Searches this dictionary and those within it. Each is visited once, however many others refer to it.
    private static int MostTensors(PickledDictionary dictionary, Dictionary<object, int> known, int depth = 0)
    {
        if (known.TryGetValue(dictionary, out var most) || depth > MaximumDepth)
            return most;
        known[dictionary] = 0;
        most = TensorNames(dictionary).Count;
        foreach (var (key, value) in dictionary.Items)
        {
            if (key is string name && value is PickledDictionary inner && !IsOptimizer(name))
                most = Math.Max(most, MostTensors(inner, known, depth + 1));
        }
        return known[dictionary] = most;
    }

    private static string Keys(PickledDictionary dictionary) =>
        dictionary.Items.Count == 0 ? "it is empty"
            : MismatchReport.Few(
                dictionary.Items.Select(item => $"{(item.Key is string key ? PickleReader.Printable(key) : Describe(item.Key))}: "
                + $"{Describe(item.Value)}"));

    private static string Reason(PickledDictionary dictionary) =>
        dictionary.Items.Any(item => item.Value is PickledUnknown { IsOrdinary: false })
        ? "What is in the place of the weights would have to be made by Python code that is not called here. "
            + "In Python save model.state_dict() alone."
        : "In Python save model.state_dict().";

    // Files of this library store the recipe of their weights as an attribute of the dictionary, which PyTorch ignores.
    private static Dictionary<string, string> MetadataOf(PickledDictionary found)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        if (found.Attributes is PickledDictionary attributes
            && attributes.Items.LastOrDefault(item => item.Key is StateDictionaryWriter.MetadataAttribute).Value
                is PickledDictionary recipe)
        {
            foreach (var (key, value) in recipe.Items)
            {
                if (key is string name && value is string text)
                    result[name] = text;
            }
        }
        return result;
    }

    // The content of such an object was dropped with it.
    private void NoteUnknown(PickledDictionary top)
    {
        var unknown = new List<PickledUnknown>();
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var pending = new Queue<object?>([top]);
        while (pending.TryDequeue(out var value))
        {
            if (value is null || !seen.Add(value))
                continue;
            if (value is PickledUnknown { IsOrdinary: false } one)
                unknown.Add(one);
            var inner = value switch
            {
                PickledDictionary dictionary => dictionary.Items.Select(item => item.Value),
                PickledList list => list.Items,
                PickledTuple tuple => tuple.Items,
                _ => [],
            };
            foreach (var item in inner)
                pending.Enqueue(item);
        }
        foreach (var group in unknown.GroupBy(one => one.Name, StringComparer.Ordinal).Take(10))
            _notes.Add($"The file also holds an object of '{PickleReader.Printable(group.Key)}' (byte {group.First().Offset}): "
                + "it was neither made nor called, and is left out.");
    }

    private static string Describe(object? value) => value switch
    {
        null => "None",
        PickledTensor => "a tensor",
        PickledDictionary => "a dictionary",
        PickledList => "a list",
        PickledTuple => "a tuple",
        PickledUnknown unknown => $"{PickleReader.Printable(unknown.Name)} at byte {unknown.Offset}",
        PickledName name => $"the name {PickleReader.Printable(name.Name)}",
        string => "a text",
        _ => "a number",
    };
}
