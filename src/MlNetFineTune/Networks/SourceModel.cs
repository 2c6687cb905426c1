using Microsoft.ML;
using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>A fine-tuned model that another training continues from, or that teaches it. It stays its owner's.</summary>
/// <param name="read">Lends the network, which is ready to score, while nobody can dispose it.</param>
/// <param name="computeWeightsSha256">As the manifest of its file has it.</param>
/// <param name="keys">Its classes; null where it predicts something else.</param>
/// <param name="definition">Its backbone; null where it is a module.</param>
/// <param name="weights">Where that took its weights from; null where they were random.</param>
internal sealed class SourceModel(
    Action<Action<FineTunedNetwork>> read, Func<string> computeWeightsSha256, LabelKeys? keys, Backbone? definition, string? weights)
{
    private const string Beginning = "a model that began with ";

    private readonly bool _hasBackbone = definition is not null;

    /// <summary>The backbone: of models that <see cref="Find"/> gives.</summary>
    public Backbone Definition => definition ?? throw new InvalidOperationException($"{Name} has no backbone.");

    /// <summary>Of the network, for messages and reports.</summary>
    public string Name { get; init; } = definition?.Name ?? "";

    /// <summary>How pictures enter it; null where something else does.</summary>
    public PictureForm? Pixels { get; init; } = definition is null ? null : new(definition.Preprocessing, definition.InputChannels);

    /// <summary>All that decides which tensors a row becomes.</summary>
    public string Input { get; init; } = "";

    /// <summary>The text encoder with its tokenizer; null for other networks.</summary>
    public TextBackbone? Text { get; init; }

    /// <summary>Whether a table stands beside its pictures.</summary>
    public bool ReadsTable { get; init; }

    public LabelKeys? Keys => keys;

    /// <summary>Of the weights, for logs and the model file: where the first of a row of trainings had them from.</summary>
    public string Origin => weights is not null && weights.StartsWith(Beginning, StringComparison.Ordinal) ? weights
        : Beginning + (weights ?? "random weights");

    /// <param name="model">One of ours, or a chain with one.</param>
    /// <param name="purpose">The beginning of a sentence about it.</param>
    /// <exception cref="ArgumentException">There is none, or more than one.</exception>
    public static SourceModel Find(ITransformer model, string purpose) =>
        One(model, [.. All(model).Where(one => one._hasBackbone)], $"{purpose} one image network of ours");

    /// <summary>The same for networks of every kind.</summary>
    /// <inheritdoc cref="Find"/>
    public static SourceModel FindAny(ITransformer model, string purpose) =>
        One(model, [.. All(model)], $"{purpose} one fine-tuned network");

    /// <summary>The same for text networks.</summary>
    /// <inheritdoc cref="Find"/>
    public static SourceModel FindText(ITransformer model, string purpose) =>
        One(model, [.. All(model).Where(one => one.Text is not null)], $"{purpose} one text network of ours");

    private static IEnumerable<SourceModel> All(ITransformer model) =>
        Flat(model).OfType<IFineTunedModel>().Select(one => one.AsSource());

    private static SourceModel One(ITransformer model, IReadOnlyList<SourceModel> found, string purpose) => found is [var one]
        ? one
        : throw new ArgumentException(
            $"{purpose}, but " + (found.Count == 0
                ? $"{model.GetType().Name} has none."
                : $"the model has {found.Count}: give the one that is meant."),
            nameof(model));

    /// <summary>The SHA-256 of the weights, as the manifest of its file has it.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public string ComputeWeightsSha256() => computeWeightsSha256();

    /// <summary>Lends the network, which is ready to score, while nobody can dispose it.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Read(Action<FineTunedNetwork> action) => read(action);

    /// <summary>Copies all weights, adapters merged.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void CopyTo(BackboneNetwork network) => CopyTo(network.NamedTensors(), network.Adaptation);

    /// <summary>Copies weights by name, adapters merged.</summary>
    /// <param name="tensors">Tensors of the new network.</param>
    /// <param name="adaptationOf">As <see cref="BackboneNetwork.Adaptation"/>; null if all shapes must be equal.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void CopyTo(
        IReadOnlyList<(string Name, Tensor Tensor)> tensors, Func<string, long[], Func<Tensor, Tensor>?>? adaptationOf = null) =>
        read(earlier =>
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var theirs = earlier.PlainTensors().ToDictionary(named => named.Name, named => named.Tensor, StringComparer.Ordinal);
        foreach (var (name, tensor) in tensors)
        {
            var shape = theirs[name].shape;
            var adaptation = shape.SequenceEqual(tensor.shape) ? null : adaptationOf?.Invoke(name, shape)
                ?? throw new InvalidOperationException(
                    $"Tensor '{name}' is [{string.Join(", ", shape)}] in the earlier model, expected [{string.Join(", ", tensor.shape)}]: "
                    + "leave its Preprocessing and InputChannels as they are.");
            tensor.copy_(adaptation?.Invoke(theirs[name].cpu()) ?? theirs[name]);
        }
    });

    /// <summary>Gives the head the numbers of the classes that both know.</summary>
    public void CopyHead(FineTunedNetwork network, LabelKeys? classes, Action<string> log) => read(earlier =>
    {
        if (earlier is ImageNetwork { Table: not null } || network is ImageNetwork { Table: not null })
        {
            log("The head of the earlier model is not used: it and the layers of a table are learnt together.");
            return;
        }
        if (keys is null || classes is null || earlier.LinearHead is not { } theirs || network.LinearHead is not { } ours)
        {
            log("The head of the earlier model is not used: only that of classes, for classes, can be taken over.");
            return;
        }
        var places = keys.PlacesOf(classes);
        var kept = places.Index().Where(place => place.Item >= 0).ToList();
        var reason = theirs.weight.shape[1] != ours.weight.shape[1]
            ? $"its features are {theirs.weight.shape[1]}, and now {ours.weight.shape[1]}"
            : (keys.ValueType is null) != (classes.ValueType is null)
                ? $"its label has {(keys.ValueType is null ? "no key values" : "key values")}, unlike this one: the two cannot be matched"
            : kept.Count == 0 ? $"it knows none of these classes, but {SafeText.Several(keys.Names)}"
            : null;
        if (reason is not null)
        {
            log($"The head of the earlier model is not used, since {reason}.");
            return;
        }

        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        foreach (var (index, place) in kept)
        {
            ours.weight[index].copy_(theirs.weight[place]);
            ours.bias[index].copy_(theirs.bias[place]);
        }
        var known = places.ToHashSet();
        var (added, dropped) = (classes.Names.Where((_, index) => places[index] < 0).ToList(),
            keys.Names.Where((_, place) => !known.Contains(place)).ToList());
        log($"The head keeps the earlier model's weights of {kept.Count} classes"
            + (added.Count > 0 ? $"; new: {SafeText.Several(added)}" : "")
            + (dropped.Count > 0 ? $"; dropped: {SafeText.Several(dropped)}" : "") + ".");
    });

    private static IEnumerable<ITransformer> Flat(ITransformer model) =>
        model is IEnumerable<ITransformer> chain ? chain.SelectMany(Flat) : [model];
}
