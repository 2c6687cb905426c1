using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// A network as training, scoring and saving see it, whatever it is made of: stages in the order of computation, and a head on top.
/// Owns its tensors.
/// </summary>
internal abstract class FineTunedNetwork : IDisposable
{
    /// <summary>For messages.</summary>
    public abstract string Name { get; }

    /// <summary>The backbone that it is made of; null where it is something else.</summary>
    public virtual Backbone? Definition => null;

    /// <summary>The head if it is one linear layer on the encoder's features; otherwise null.</summary>
    public virtual LinearHead? LinearHead => null;

    /// <summary>For the log: the name, and where the weights come from.</summary>
    public abstract string Description { get; }

    /// <summary>All that decides what it computes, but for its tensors.</summary>
    public virtual string Computation => Name;

    /// <summary>Names of the stages, from the input on; the head comes after them.</summary>
    public abstract IReadOnlyList<string> Stages { get; }

    public Device Device { get; private set; } = CPU;

    /// <summary>Whether the convolutions and matrix products below the head are computed in bfloat16 (<see cref="Autocast"/>).</summary>
    public bool UsesBFloat16 { get; set; }

    /// <summary>What the numbers below the head are computed in, for the keys of caches, after <see cref="Computation"/>.</summary>
    public string Arithmetic => UsesBFloat16 ? " bfloat16" : "";

    /// <summary>Whether the first so many stages can run by themselves, so that what is frozen is computed once a row.</summary>
    public abstract bool RunsAlone(int stages);

    /// <summary>Whether the stages run apart from the head, so that <see cref="ForwardFirst"/> gives the features before it.</summary>
    public virtual bool GivesFeatures => RunsAlone(Stages.Count);

    /// <summary>
    /// The processes that train it together. Default: one alone. With several, BatchNorm has the statistics of all their rows, and what
    /// draws from torch's own generators draws other numbers in each.
    /// </summary>
    public ProcessGroup Processes
    {
        get;
        set
        {
            field = value;
            Statistics = value.IsSeveral ? new BatchStatistics(value) : null;
            ShareStatistics();
        }
    } = ProcessGroup.Single;

    /// <summary>
    /// Whether a training step in the mode of the last <see cref="BeginTraining"/> has sums over processes, so that a process without rows
    /// must take part with a placeholder. Default: no.
    /// </summary>
    public virtual bool NeedsAllProcesses => false;

    /// <summary>Statistics of BatchNorm over several processes; null for one.</summary>
    protected BatchStatistics? Statistics { get; private set; }

    /// <summary>To be called after each backward pass: throws what could not be thrown through native code.</summary>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    public void CheckBackward() => Statistics?.ThrowFailure();

    /// <summary>Gives <see cref="Statistics"/> to the layers that need them.</summary>
    protected virtual void ShareStatistics()
    {
    }

    /// <summary>Refuses a BatchNorm in training that is not of this library, and cannot have the statistics of all processes.</summary>
    /// <param name="norm">The layer, for the message; null if there is none.</param>
    /// <param name="advice">How the layer keeps its statistics.</param>
    /// <exception cref="NotSupportedException">There is one, and several processes train together.</exception>
    protected void RefuseForeignNorm(string? norm, string advice = "Keep its statistics with BatchNorm = BatchNormMode.Frozen")
    {
        if (norm is not null && Processes.IsSeveral)
        {
            throw new NotSupportedException(
                $"{norm} of {Name} would normalise by the rows of one process alone, and {Processes.Size} processes train "
                + $"together: only the BatchNorm of this library's own networks has the statistics of the rows of all. {advice}, "
                + "or take a norm of single rows, such as LayerNorm or GroupNorm.");
        }
    }

    /// <summary>Whether a layer, of this library, of TorchSharp or of a user, has running statistics.</summary>
    public static bool IsBatchNorm(nn.Module module) => module.named_buffers(recurse: false).Any(named => named.name == "running_mean");

    /// <summary>Whether a layer, of this library, of TorchSharp or of a user, normalises by the statistics of a batch.</summary>
    public static bool UsesBatch(nn.Module module) =>
        module is TorchSharp.Modules.BatchNorm { running_mean: null } || (module.training && IsBatchNorm(module));

    /// <summary>Whether <see cref="ForwardStageInTraining"/> runs one stage by itself.</summary>
    public virtual bool RunsInStages => false;

    /// <summary>All that decides what is trained, but for its weights: what checkpoints compare.</summary>
    public virtual object Fingerprint => Name;

    /// <summary>What a model file says of it, so that it can be made again.</summary>
    public abstract NetworkManifest Describe();

    /// <summary>One more network of the same form, without adapters, whose weights are to be filled. The caller disposes it.</summary>
    /// <param name="createHead">From the number of features, where there is a head of ours.</param>
    public abstract FineTunedNetwork CreateAlike(Func<int, NetworkHead> createHead);

    /// <summary>The stage that a tensor belongs to; the head is number <c>Stages.Count</c>.</summary>
    public abstract int StageOf(string tensorName);

    public abstract IReadOnlyList<(string Name, Parameter Parameter)> NamedParameters();

    /// <summary>The parameters, and where they are.</summary>
    public IReadOnlyList<NetworkParameter> Parameters() =>
        [.. NamedParameters()
            .Select(named => new NetworkParameter(named.Name, named.Parameter, StageOf(named.Name), Decays(named.Name, named.Parameter)))];

    /// <summary>Parameters and running statistics, in a fixed order, under the names that other tools know.</summary>
    public abstract IReadOnlyList<(string Name, Tensor Tensor)> NamedTensors();

    /// <summary>The same for other tools, with what only we know of (adapters) merged into the tensors that they know.
    /// In the caller's dispose scope.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> PlainTensors()
    {
        var merged = Adapters.MergedWeights().ToDictionary(named => named.Name, named => named.Weight, StringComparer.Ordinal);
        var ours = Adapters.NamedParameters().Select(named => named.Name).ToHashSet(StringComparer.Ordinal);
        return [.. NamedTensors().Where(named => !ours.Contains(named.Name))
            .Select(named => (named.Name, merged.GetValueOrDefault(named.Name) ?? named.Tensor))];
    }

    /// <summary>Whether weight decay acts on a parameter: weights of two and more dimensions decay, biases,
    /// norms and scales do not.</summary>
    public virtual bool Decays(string name, Tensor parameter) => parameter.ndim >= 2;

    /// <summary>What weight files carry beside the tensors.</summary>
    public virtual IReadOnlyDictionary<string, string> Metadata => new Dictionary<string, string>();

    /// <summary>Stages that were replaced or drawn anew, and have as much to learn as the head.</summary>
    public virtual IReadOnlySet<int> FreshStages => new HashSet<int>();

    /// <summary>Stages that an adapter's file holds whole, since their weights are no pretrained file's. Default: the fresh ones.</summary>
    public virtual IReadOnlySet<int> ChangedStages => FreshStages;

    /// <summary>For messages: which layers can have adapters, where there is none that was asked for.</summary>
    public virtual string WhatAdapts => "Only networks that are built here can be adapted, not programs of TorchScript.";

    /// <summary>The layers that adapters can stand beside, by name.</summary>
    public virtual IReadOnlyList<(string Name, IAdaptable Layer)> AdaptableLayers() => [];

    /// <summary>The adapters that it has.</summary>
    public virtual LoraLayers Adapters { get; } = new();

    /// <summary>Puts an adapter beside a layer of <see cref="AdaptableLayers"/>, and owns it from then on.</summary>
    public virtual void Adapt(string name, IAdaptable layer, LoraLayer adapter) =>
        throw new NotSupportedException($"{Name} takes no adapters.");

    public void MoveTo(Device device)
    {
        Move(device);
        Device = device;
    }

    /// <summary>Whether every BatchNorm is known to have the statistics of a pretraining, and can be told to stay with them.</summary>
    public virtual bool HasPretrainedStatistics => false;

    /// <summary>
    /// Inference mode, whatever is computed next: what is frozen runs before training begins as well (features are kept then), and must
    /// never see a batch's statistics. The first stages become as quick as they can be without gradients; the others see their weights
    /// change. <see cref="BeginTraining"/> comes after it.
    /// </summary>
    public abstract void Freeze(int frozenStages);

    /// <summary>
    /// Training mode from the first stage that trains on; frozen ones stay in inference mode, and so does above them every layer whose own
    /// parameters take no gradient, so that the running statistics of what is frozen never move.
    /// </summary>
    /// <param name="frozenStages">From the input on.</param>
    /// <param name="batchNorm">Of the others.</param>
    public abstract void BeginTraining(int frozenStages, BatchNormMode batchNorm = BatchNormMode.Train);

    /// <summary>Whether a layer has parameters of its own, and none of them trains.</summary>
    public static bool IsFrozen(nn.Module layer)
    {
        var own = layer.named_parameters(recurse: false).ToList();
        return own.Count > 0 && own.TrueForAll(named => !named.parameter.requires_grad);
    }

    /// <summary>
    /// The layers of which nothing trains: those with parameters, none of which takes a gradient, and whatever lies within them. So a norm
    /// or a dropout without parameters is as frozen as the layer that it belongs to.
    /// </summary>
    /// <param name="root">What holds the layers.</param>
    /// <param name="hasAdapter">Whether an adapter that trains stands within a layer, by its name, which then is not frozen.
    /// Default: none does.</param>
    public static HashSet<nn.Module> FrozenLayers(nn.Module root, Func<string, bool>? hasAdapter = null)
    {
        var frozen = new HashSet<nn.Module>(ReferenceEqualityComparer.Instance);
        foreach (var (path, module) in root.named_modules())
        {
            if (IsFrozen(module))
                frozen.Add(module);
            var all = module.named_parameters().ToList();
            if (path.Length > 0 && all.Count > 0 && all.TrueForAll(named => !named.parameter.requires_grad)
                && hasAdapter?.Invoke(path) != true)
                frozen.UnionWith(module.named_modules().Select(named => named.module).Append(module));
        }
        return frozen;
    }

    /// <summary>Inference mode: ready to score from many threads.</summary>
    public abstract void PrepareForScoring();

    /// <summary>Runs the first stages. The caller disposes the result, and keeps the input.</summary>
    public abstract Tensor ForwardFirst(ModelInputs inputs, int stages);

    /// <summary>Runs the stages from <paramref name="first"/> on, and the head.
    /// The caller disposes the result, and keeps the input.</summary>
    /// <param name="inputs">What the stages before gave; the network's input, if <paramref name="first"/> is 0.</param>
    /// <param name="first">0, or the stages that ran before.</param>
    /// <returns>[N, outputs].</returns>
    public abstract Tensor ForwardRest(ModelInputs inputs, int first);

    /// <summary>The features of rows, from the outputs of all stages; a pooling of the head is applied. The caller disposes the result.
    /// </summary>
    /// <param name="activations">Result of <see cref="ForwardFirst"/> with all stages.</param>
    public virtual Tensor FeaturesOf(Tensor activations) => activations.alias();

    /// <summary>
    /// Runs the stages up to this one, without a following pooling: [N, C, H, W] if the stage outputs maps. The caller disposes the result,
    /// and keeps ownership of the input. Only if the network <see cref="RunsInStages"/>.
    /// </summary>
    /// <param name="inputs">The network's input.</param>
    /// <param name="stage">Index of the stage, from 0.</param>
    public virtual Tensor ForwardMaps(ModelInputs inputs, int stage) => ForwardFirst(inputs, stage + 1);

    /// <summary>Runs the layers after <see cref="ForwardMaps"/>: the stage's pooling, the later stages, and the head.</summary>
    /// <param name="inputs">The result of <see cref="ForwardMaps"/> and the additional inputs.</param>
    /// <param name="stage">The same stage.</param>
    /// <returns>[N, outputs]. The caller disposes it.</returns>
    public virtual Tensor ForwardFromMaps(ModelInputs inputs, int stage) => ForwardRest(inputs, stage + 1);

    /// <summary>For each stage, whether <see cref="AttentionWeights"/> supports it.</summary>
    public virtual IReadOnlyList<bool> HasAttention => [.. Stages.Select(_ => false)];

    /// <summary>The reduction of tokens to features; null if there are no tokens.</summary>
    public virtual Backbone.TokenPooling? Pooling => null;

    /// <summary>The attention weights of every stage that has some, in order: [N, T, T] each, averaged over the heads. The caller disposes
    /// each, and keeps the input.</summary>
    public virtual IReadOnlyList<Tensor> AttentionWeights(ModelInputs inputs) => [];

    /// <summary>
    /// The weights by which a head with attention pooling averages the tokens or positions of the last stage, averaged over its heads:
    /// [N, T]. Null if the head has no such pooling. The caller disposes it, and keeps the input.
    /// </summary>
    public virtual Tensor? PoolingWeights(ModelInputs inputs) => null;

    /// <summary>A training step's <see cref="ForwardRest"/>, with that step's random numbers.</summary>
    /// <param name="inputs">As there.</param>
    /// <param name="first">As there.</param>
    /// <param name="seed">The training's.</param>
    /// <param name="step">From 0.</param>
    public virtual Tensor ForwardInTraining(ModelInputs inputs, int first, long seed, int step) => ForwardRest(inputs, first);

    /// <summary>
    /// One stage of <see cref="ForwardInTraining"/>, as often as it is asked for with the same random numbers, so that what is not kept can
    /// be computed again. The caller disposes the result, and keeps the input, which does not change.
    /// </summary>
    /// <param name="inputs">What the stage before gave.</param>
    /// <param name="stage">Index of the stage, from 0.</param>
    /// <param name="seed">The training's.</param>
    /// <param name="step">From 0.</param>
    public virtual Tensor ForwardStageInTraining(ModelInputs inputs, int stage, long seed, int step) =>
        throw new NotSupportedException($"{Name} runs as a whole.");

    /// <summary>
    /// The features before the head in a training step, with that step's random numbers. Only of a network that <see cref="RunsInStages"/>
    /// and <see cref="GivesFeatures"/>. The caller disposes the result, and keeps the input.
    /// </summary>
    /// <param name="inputs">Result of the stages before <paramref name="first"/>.</param>
    /// <param name="first">Number of stages that ran before.</param>
    /// <param name="seed">Seed of the training.</param>
    /// <param name="step">The step, from 0.</param>
    /// <returns>[N, ...].</returns>
    public virtual Tensor FeaturesInTraining(ModelInputs inputs, int first, long seed, int step)
    {
        var current = inputs.Activations.alias();
        for (var stage = first; stage < Stages.Count; stage++)
        {
            var next = ForwardStageInTraining(inputs.With(current), stage, seed, step);
            current.Dispose();
            current = next;
        }
        using (current)
            return FeaturesOf(current);
    }

    /// <summary>The network in inference mode as operators, adapters merged: from what enters it to [N, outputs], with
    /// the features before the head.</summary>
    /// <param name="graph">Gets the operators.</param>
    /// <param name="inputs">Inputs of the network.</param>
    /// <exception cref="NotSupportedException">Nothing is known of what a part of it computes; the message names it.</exception>
    public virtual GraphNetwork Write(NetworkGraph graph, GraphInputs inputs) =>
        throw new NotSupportedException($"Nothing is known of what {Name} computes.");

    /// <summary>The first stages in inference mode as operators. Copies their weights, adapters merged.</summary>
    /// <param name="stages">Number of stages, at least 1, which run by themselves (<see cref="RunsAlone"/>).</param>
    /// <exception cref="NotSupportedException">Nothing is known of what a part of them computes; the message names it.</exception>
    public virtual StageGraph WriteFirst(int stages) =>
        throw new NotSupportedException($"Nothing is known of what {Name} computes.");

    public abstract void Dispose();

    protected abstract void Move(Device device);

    /// <summary>Runs layers below the head in the precision of the network.</summary>
    /// <param name="run">The layers.</param>
    /// <returns>The result in Float32: in that the head is computed, and between stages that run apart nothing is rounded twice.</returns>
    protected Tensor InPrecision(Func<Tensor> run)
    {
        if (!UsesBFloat16)
            return run();
        using var autocast = Autocast.Begin(Device.type);
        var result = run();
        if (result.dtype != ScalarType.BFloat16)
            return result;
        using (result)
            return result.to(ScalarType.Float32);
    }
}
