using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>The low-rank additions of a network, by the names of their layers. Owns them.</summary>
internal sealed class LoraLayers : IDisposable
{
    private readonly List<(string Layer, int Stage, bool Folds, IAdaptable Host, LoraLayer Addition)> _all = [];

    public int Count => _all.Count;

    public IEnumerable<string> Layers => _all.Select(one => one.Layer);

    /// <param name="layer">Name of the layer.</param>
    /// <param name="stage">Index of its stage.</param>
    /// <param name="folds">Whether BatchNorm is folded into the layer, which then merges the addition too.</param>
    /// <param name="host">The layer.</param>
    /// <param name="addition">The addition, owned by this object from now on.</param>
    public void Add(string layer, int stage, bool folds, IAdaptable host, LoraLayer addition)
    {
        host.Adapter = addition;
        _all.Add((layer, stage, folds, host, addition));
    }

    public IEnumerable<(string Name, Parameter Parameter)> NamedParameters() =>
        _all.SelectMany(
            one => ((string, Parameter)[])[
                ($"{one.Layer}.lora_A.weight", one.Addition.lora_A), ($"{one.Layer}.lora_B.weight", one.Addition.lora_B)]);

    /// <summary>The weights of the layers with their additions, by name; caller disposes them.</summary>
    public IEnumerable<(string Name, Tensor Weight)> MergedWeights() => _all.Select(one =>
    {
        using var sum = one.Addition.Sum();
        return ($"{one.Layer}.weight", sum.to_type(one.Addition.lora_A.dtype, copy: true));
    });

    /// <summary>The weights of the layers without their additions, by name. They stay the layers'.</summary>
    public IEnumerable<(string Name, Tensor Weight)> Originals() => _all.Select(one => ($"{one.Layer}.weight", one.Host.Original));

    /// <summary>Merges those of the first stages; the others see their numbers change.</summary>
    public void Merge(int stages)
    {
        foreach (var (_, stage, folds, _, addition) in _all)
        {
            if (stage >= stages)
                addition.Unmerge();
            else if (!folds)
                addition.Merge();
        }
    }

    /// <summary>Says which training step runs, for dropout; null ends it.</summary>
    /// <param name="seed">Seed of the training.</param>
    /// <param name="step">The step, from 0.</param>
    /// <param name="rows">The rows of the step; null for their places in the batch.</param>
    /// <param name="rank">Number of this process.</param>
    public void BeginStep(long seed, int? step, TrainingRows? rows = null, int rank = 0)
    {
        for (var i = 0; i < _all.Count; i++)
            _all[i].Addition.Dropout = step is { } number
                ? new RowDropout(seed, RandomStream.AdapterDropout, part: i, number, rows, rank)
                : null;
    }

    public void MoveTo(Device device)
    {
        foreach (var (_, _, _, _, addition) in _all)
            addition.to(device);
    }

    public void Dispose()
    {
        foreach (var (_, _, _, _, addition) in _all)
            addition.Dispose();
    }
}
