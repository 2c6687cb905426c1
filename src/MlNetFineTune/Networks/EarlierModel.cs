using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Scoring;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>A model that another training continues from, or that teaches it. It stays its owner's.</summary>
/// <param name="scorer">Keeps the network from being disposed while it is read.</param>
/// <param name="keys">Its classes.</param>
/// <param name="definition">Its network.</param>
/// <param name="weights">Where that took its weights from; null where they were random.</param>
/// <param name="precision">In which its file has them.</param>
internal sealed class EarlierModel(NetworkScorer scorer, LabelKeys keys, Backbone definition, string? weights, WeightPrecision precision)
{
    private const string Beginning = "a model that began with ";

    public Backbone Definition => definition;

    public LabelKeys Keys => keys;

    /// <summary>Of the weights, for logs and the model file: where the first of a row of trainings had them from.</summary>
    public string Origin => weights is not null && weights.StartsWith(Beginning, StringComparison.Ordinal) ? weights : Beginning + (weights ?? "random weights");

    /// <param name="model">One of ours, or a chain with one.</param>
    /// <param name="purpose">The beginning of a sentence about it.</param>
    /// <exception cref="ArgumentException">There is none, or more than one.</exception>
    public static EarlierModel Find(ITransformer model, string purpose)
    {
        var found = Flat(model).OfType<ImageFineTuningTransformer>().ToList();
        return found is [var one] ? one.AsEarlier()
            : throw new ArgumentException($"{purpose} one image classifier of ours, but {(found.Count == 0 ? $"{model.GetType().Name} has none" : $"the model has {found.Count}: give the one that is meant")}.", nameof(model));
    }

    /// <summary>Of the weights, as the manifest of its file has it.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public string ComputeWeightsSha256()
    {
        var sha = "";
        scorer.Read(network => sha = ArchiveFiles.Sha256Of(network, precision));
        return sha;
    }

    /// <summary>Lends the network, which is ready to score, while nobody can dispose it.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Read(Action<TrainableNetwork> action) => scorer.Read(action);

    /// <summary>Copies all weights, adapters merged.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void CopyTo(BackboneNetwork network) => scorer.Read(earlier =>
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var theirs = earlier.PlainTensors().ToDictionary(named => named.Name, named => named.Tensor, StringComparer.Ordinal);
        foreach (var (name, tensor) in network.NamedTensors())
        {
            var shape = theirs[name].shape;
            var adaptation = shape.SequenceEqual(tensor.shape) ? null : network.Adaptation(name, shape)
                ?? throw new InvalidOperationException($"Tensor '{name}' is [{string.Join(", ", shape)}] in the earlier model, expected [{string.Join(", ", tensor.shape)}]: leave its Preprocessing and InputChannels as they are.");
            tensor.copy_(adaptation?.Invoke(theirs[name].cpu()) ?? theirs[name]);
        }
    });

    /// <summary>Gives the head the numbers of the classes that both know.</summary>
    public void CopyHead(ImageClassifier classifier, LabelKeys classes, Action<string> log) => scorer.Read(network =>
    {
        var theirs = ((ImageClassifier)network).Head;
        var places = keys.PlacesOf(classes);
        var kept = places.Index().Where(place => place.Item >= 0).ToList();
        var reason = theirs.weight.shape[1] != classifier.Backbone.Features ? $"its features are {theirs.weight.shape[1]}, and now {classifier.Backbone.Features}"
            : (keys.ValueType is null) != (classes.ValueType is null) ? $"its label has {(keys.ValueType is null ? "no key values" : "key values")}, unlike this one: the two cannot be matched"
            : kept.Count == 0 ? $"it knows none of these classes, but {Few(keys.Names)}"
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
            classifier.Head.weight[index].copy_(theirs.weight[place]);
            classifier.Head.bias[index].copy_(theirs.bias[place]);
        }
        var known = places.ToHashSet();
        var (added, dropped) = (classes.Names.Where((_, index) => places[index] < 0).ToList(), keys.Names.Where((_, place) => !known.Contains(place)).ToList());
        log($"The head keeps the earlier model's weights of {kept.Count} classes"
            + (added.Count > 0 ? $"; new: {Few(added)}" : "") + (dropped.Count > 0 ? $"; dropped: {Few(dropped)}" : "") + ".");
    });

    private static IEnumerable<ITransformer> Flat(ITransformer model) => model is IEnumerable<ITransformer> chain ? chain.SelectMany(Flat) : [model];

    private static string Few(IReadOnlyList<string> names) => string.Join(", ", names.Take(10).Select(name => SafeText.Of(name))) + (names.Count > 10 ? $" and {names.Count - 10} more" : "");
}
