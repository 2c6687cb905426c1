namespace MlNetFineTune.WeightFiles.Pickle;

/// <summary>Finds the weights in what a checkpoint holds: the dictionary itself, or one within it, beside epochs, options and optimizers.</summary>
internal sealed class StateDictionary
{
    // What training programs call it; the average of the weights first, as timm's load_checkpoint takes it.
    private static readonly string[] s_names = ["state_dict_ema", "model_ema", "ema", "state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "weights", "params"];
    private const int MaximumDepth = 4;

    private readonly List<string> _notes = [];

    private StateDictionary()
    {
    }

    public required IReadOnlyList<(string Name, PickledTensor Tensor)> Tensors { get; init; }

    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    public IReadOnlyList<string> Notes => _notes;

    /// <param name="root">What the file holds.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">There are no weights, or several and no way to tell which.</exception>
    public static StateDictionary Find(object? root, string source)
    {
        if (root is not PickledDictionary top)
            throw new InvalidDataException($"'{source}' holds no dictionary of tensors but {Describe(root)}. In Python save model.state_dict() alone.");
        var (path, found) = Search(top, source);
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
        if (others.Count > 0)
            result._notes.Add($"Among the weights {others.Count} entries are no tensors and were left out: {FitReport.Few(others)}.");
        result.NoteUnknown(top);
        return result;
    }

    private static (IReadOnlyList<string> Path, PickledDictionary Found) Search(PickledDictionary top, string source)
    {
        var path = new List<string>();
        var known = new Dictionary<object, bool>(ReferenceEqualityComparer.Instance);
        var current = top;
        while (!current.Items.Any(item => item is { Key: string, Value: PickledTensor }))
        {
            var nested = current.Items.Where(item => item is { Key: string, Value: PickledDictionary })
                .Select(item => ((string)item.Key!, (PickledDictionary)item.Value!)).Where(item => HoldsTensors(item.Item2, known)).ToList();
            nested = [.. nested.Where(item => !item.Item1.Contains("optim", StringComparison.OrdinalIgnoreCase))];
            if (nested.Count == 0 || path.Count == MaximumDepth)
                throw new InvalidDataException($"'{source}' holds no tensors in its dictionary ({Keys(current)}). {Reason(current)}");
            var chosen = s_names.SelectMany(name => nested.Where(item => item.Item1 == name)).FirstOrDefault();
            if (chosen.Item2 is null)
            {
                chosen = nested.Count == 1
                    ? nested[0]
                    : throw new InvalidDataException($"'{source}' holds several sets of weights ({FitReport.Few(nested.Select(item => PickleReader.Printable(item.Item1)))}). In Python save the one that you want.");
            }
            path.Add(PickleReader.Printable(chosen.Item1));
            current = chosen.Item2;
        }
        return (path, current);
    }

    // Each dictionary is looked into once, however many others refer to it.
    private static bool HoldsTensors(PickledDictionary dictionary, Dictionary<object, bool> known, int depth = 0)
    {
        if (known.TryGetValue(dictionary, out var holds) || depth > MaximumDepth)
            return holds;
        known[dictionary] = false;
        return known[dictionary] = dictionary.Items.Any(item => item.Key is string && item.Value is PickledTensor)
            || dictionary.Items.Any(item => item.Key is string && item.Value is PickledDictionary inner && HoldsTensors(inner, known, depth + 1));
    }

    private static string Keys(PickledDictionary dictionary) =>
        dictionary.Items.Count == 0 ? "it is empty" : FitReport.Few(dictionary.Items.Select(item => $"{(item.Key is string key ? PickleReader.Printable(key) : Describe(item.Key))}: {Describe(item.Value)}"));

    private static string Reason(PickledDictionary dictionary) => dictionary.Items.Any(item => item.Value is PickledUnknown { IsOrdinary: false })
        ? "What is in the place of the weights would have to be made by Python code that is not called here. In Python save model.state_dict() alone."
        : "In Python save model.state_dict().";

    // Our own files carry the recipe of their weights as an attribute of the dictionary, where PyTorch leaves it alone.
    private static Dictionary<string, string> MetadataOf(PickledDictionary found)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        if (found.Attributes is PickledDictionary attributes
            && attributes.Items.LastOrDefault(item => item.Key is StateDictionaryWriter.MetadataAttribute).Value is PickledDictionary recipe)
        {
            foreach (var (key, value) in recipe.Items)
            {
                if (key is string name && value is string text)
                    result[name] = text;
            }
        }
        return result;
    }

    // What lay within such an object was dropped with it.
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
            _notes.Add($"The file also holds an object of '{PickleReader.Printable(group.Key)}' (byte {group.First().Offset}): it was neither made nor called, and is left out.");
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
