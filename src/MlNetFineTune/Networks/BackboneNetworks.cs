using System.Globalization;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune;

// Changes to the network, and how it is made with them.
public sealed partial record Backbone
{
    /// <summary>Stages that do not keep their weights.</summary>
    internal StageChanges Changes { get; init; } = StageChanges.None;

    /// <summary>How the head pools; if it does itself, the network ends with its last maps or tokens.</summary>
    internal HeadPooling HeadPooling { get; private init; } = HeadPooling.Native;

    /// <summary>The same network for a head with this pooling.</summary>
    /// <exception cref="ArgumentException">The network gives no maps, or a stage was changed that such a head does not read.</exception>
    internal Backbone PooledBy(HeadPooling pooling)
    {
        if (pooling is HeadPooling.AttentionPooling && Script is not null)
        {
            throw new ArgumentException(
                $"A TorchScript program runs as a whole and gives features, no maps: HeadPooling.{pooling} cannot pool it. "
                + "Take HeadPooling.Native.");
        }
        var pooled = this with { HeadPooling = pooling };
        return Changes.FirstOrDefault(change => !pooled.Stages.Contains(change.Stage)) is { Stage: var stage }
            ? throw new ArgumentException(
                $"Stage '{stage}' of {Name} was replaced or drawn anew, and HeadPooling.{pooling} reads the maps below it, of "
                + $"'{pooled.Stages[^1]}': leave that change out, or take HeadPooling.Native.")
            : pooled;
    }

    /// <summary>
    /// The network of a trained or loaded model: weights, preprocessing, replaced and pruned stages. The head starts with that model's
    /// parameters for the classes that both have, matched by their key values; new classes are initialized as in a new head, missing ones
    /// are dropped, and the log lists both. Adapters of the earlier model are merged into the weights.
    /// </summary>
    /// <param name="model">A <see cref="FineTuningTransformer"/>, or a chain with one.
    /// It must not be disposed before the training has begun with its weights.</param>
    /// <exception cref="ArgumentException">The model contains no fine-tuned image network or more than one.</exception>
    public static Backbone FromModel(ITransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var source = SourceModel.Find(model, "A training continues from");
        return source.Definition with
        {
            Weights = new WeightsSource.Earlier(source),
            Changes = source.Definition.Changes.Trained(),
            Pruning = null,
            HeadPooling = HeadPooling.Native,
        };
    }

    /// <summary>
    /// Replaces a stage by custom layers; the other stages keep their weights. Like the head, the new layers are trained with every
    /// strategy. A dry run before the training checks the shapes.
    /// </summary>
    /// <param name="name">One of <see cref="Stages"/>.</param>
    /// <param name="factory">
    /// Makes a <c>Module&lt;Tensor, Tensor&gt;</c>, fresh or with given weights. Its context has one input, with the shape of the stage's
    /// input ([C, H, W], or [T, C] for tokens), and as outputs the number of channels that the next stage expects. A replacement of the
    /// last stage returns maps, which are averaged, or features [N, F] of any length. A program that loads the model needs the factory's
    /// assembly, as for <c>FineTuneModule</c>.
    /// </param>
    /// <exception cref="ArgumentException">There is no such stage, it was changed before, the factory cannot be saved, or the network is of
    /// <see cref="FromTorchScript"/>.</exception>
    public Backbone ReplaceStage(string name, ModuleFactory factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        return With(new StageChange(Unchanged(name), new StageModule(factory, ModuleContract.Of(factory))));
    }

    /// <summary>
    /// Initializes a stage at random with the training's seed, by the scheme of the network's authors; the other stages keep their weights.
    /// Like the head, it is trained with every strategy.
    /// </summary>
    /// <param name="name">One of <see cref="Stages"/>.</param>
    /// <exception cref="ArgumentException">There is no such stage, it was changed before, or the network is of
    /// <see cref="FromTorchScript"/>.</exception>
    public Backbone ReinitializeStage(string name) => With(new StageChange(Unchanged(name), Replacement: null));

    /// <summary>The network with its weights, on the CPU. The caller disposes it.</summary>
    /// <param name="seed">Of random weights.</param>
    /// <param name="log">Told how the weights were found in their file.</param>
    internal BackboneNetwork CreateNetwork(long seed, Action<string>? log = null)
    {
        TorchRuntime.EnsureLoaded();
        var network = CreateOriginal(Pruning?.Before ?? Widths);
        try
        {
            Fill(network, seed, log);
            if (Weights is not WeightsSource.Earlier)
                Shorten(network); // after, since files hold the whole
            Prune(network, log);
            Renew(network, seed);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private void Fill(BackboneNetwork network, long seed, Action<string>? log)
    {
        switch (Weights)
        {
            case WeightsSource.Earlier { Model: var model }:
                Shorten(network); // before, since the earlier model may be no longer
                Replace(network, Changes.Where(change => !change.IsFresh), seed);
                model.CopyTo(network);
                break;
            case WeightsSource.File { Path: var path, Note: var note }:
                using (var file = WeightFile.Open(path))
                {
                    var notes = StrictLoader.Load(
                        file, network.NamedTensors(), Name, _architecture.MayIgnore, _architecture.OtherNames, network.Adaptation,
                        () => Hint(file));
                    FiniteNumbers.Require(path, network.NamedTensors());
                    foreach (var line in notes.Prepend(note).OfType<string>())
                        log?.Invoke($"Weights '{Path.GetFileName(path)}': {line}");
                }
                break;
            case WeightsSource.Program:
                break;
            default:
                WeightInitialization.Fill(network, _architecture.InitialWeights, seed);
                break;
        }
    }

    /// <summary>The network, its memory uninitialised. The caller disposes it.</summary>
    internal BackboneNetwork CreateEmptyNetwork()
    {
        TorchRuntime.EnsureLoaded();
        var network = CreateOriginal(Widths);
        try
        {
            Shorten(network);
            Replace(network, Changes, seed: 0);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    // What to do about a file that does not fit.
    private string? Hint(WeightFile file) => (OtherChannels(file), WeightsRecognition.Hint(file, Name)) switch
    {
        (null, var likeness) => likeness,
        (var channels, null) => channels,
        var (channels, likeness) => $"{channels} {likeness}",
    };

    // A network for grey pictures differs from ours in its first convolution alone.
    private string? OtherChannels(WeightFile file)
    {
        if (_architecture.FirstConvolution is not { } name)
            return null;
        var naming = FileNaming.Choose(
            file.Entries, _architecture.Tensors.ContainsKey, _architecture.OtherNames, _architecture.Tensors.Count);
        var entry = naming.Named.FirstOrDefault(pair => pair.Name == name).Entry;
        var usual = _architecture.Tensors[name];
        return entry?.Shape is [var kernels, var channels, var height, var width] && kernels == usual[0] && height == usual[2]
            && width == usual[3]
            && channels != InputChannels && channels is > 0 and not Networks.InputChannels.Colors
            ? $"The file is of a network for pictures of {(channels == 1 ? "one channel" : $"{channels} channels")}, "
                + $"and this backbone takes {InputChannels}: write {Name} with {{ InputChannels = {channels} }} if its pictures are such, "
                + $"or choose weights for {InputChannels}."
            : null;
    }

    private BackboneNetwork CreateOriginal(ChannelWidths widths)
    {
        var network = _architecture.Create(Recipe);
        if (InputChannels != Networks.InputChannels.Colors)
            network.SetInputChannels(InputChannels);
        widths.ApplyTo(network);
        return network;
    }

    private void Shorten(BackboneNetwork network)
    {
        if (HeadPooling is HeadPooling.AttentionPooling)
            network.EndWithMaps(InputChannels);
    }

    private void Prune(BackboneNetwork network, Action<string>? log)
    {
        if (Pruning is null)
            return;
        var before = network.ParameterCount;
        Pruning.Apply(network, Widths);
        log?.Invoke(
            string.Create(CultureInfo.InvariantCulture,
                $"{Name} is {Pruning}, by the norm {Pruning.Norm}: {network.ParameterCount:N0} of its {before:N0} parameters are left."));
    }

    private void Renew(BackboneNetwork network, long seed)
    {
        Replace(network, Changes.Where(change => change.IsFresh), seed);
        var anew = Changes.Where(change => change.Replacement is null).Select(change => change.Stage).ToHashSet(StringComparer.Ordinal);
        if (anew.Count == 0)
            return;
        using var other = CreateOriginal(Widths);
        WeightInitialization.Fill(other, _architecture.InitialWeights, seed);
        StageReplacement.Reinitialize(network, anew, other);
    }

    private void Replace(BackboneNetwork network, IEnumerable<StageChange> changes, long seed) => StageReplacement.Apply(
        network, Name, [.. changes.Where(change => change.Replacement is not null)],
        [InputChannels, Preprocessing.Size, Preprocessing.Size], seed);

    private Backbone With(StageChange change) => this with { Changes = Changes.With(change) };

    private string Unchanged(string stage)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(stage, "name");
        return Script is not null ? throw new ArgumentException(
            "A TorchScript program runs as a whole: its stages cannot be changed here. Change them in Python before the export.", "name")
            : !Stages.Contains(stage) ? throw new ArgumentException(
                $"{Name} has no stage '{stage}'; it has: {string.Join(", ", Stages)}.", "name")
            : Changes.Any(change => change.Stage == stage) ? throw new ArgumentException($"Stage '{stage}' was changed before.", "name")
            : stage;
    }
}
