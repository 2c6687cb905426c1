using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The weights of the best epochs so far, best first; of equals the earlier.</summary>
/// <param name="tensors">Everything that training changes; they stay the network's.</param>
/// <param name="count">Epochs that are kept.</param>
/// <param name="metric">Says which is better.</param>
internal sealed class BestEpochs(IReadOnlyList<(string Name, Tensor Tensor)> tensors, int count, Metric metric) : IDisposable
{
    private readonly List<(KeptEpoch Epoch, WeightSnapshot Weights)> _kept = [];

    public IReadOnlyList<KeptEpoch> Kept => [.. _kept.Select(kept => kept.Epoch)];

    /// <summary>The best one; 0 before the first.</summary>
    public int Epoch => _kept is [var best, ..] ? best.Epoch.Epoch : 0;

    public Evaluation? Evaluation => _kept is [var best, ..] ? best.Epoch.Evaluation : null;

    /// <summary>
    /// Outputs of the best network for the validation rows; null where they are not needed, or no epoch was evaluated.
    /// </summary>
    public RowOutputs? Outputs { get; set; }

    /// <summary>They stay the snapshots'.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Tensors() =>
        _kept.SelectMany((kept, place) =>
            tensors.Zip(kept.Weights.Copies, (named, copy) => (FormattableString.Invariant($"best/{place}/{named.Name}"), copy)));

    /// <summary>Keeps the present weights if they are good enough.</summary>
    /// <param name="epoch">From 1.</param>
    /// <param name="evaluation">Null without validation: then every epoch is better than the one before.</param>
    /// <returns>Whether they are the best.</returns>
    public bool Offer(int epoch, Evaluation? evaluation)
    {
        var place = evaluation is null ? 0 : _kept.FindIndex(kept => evaluation.IsBetterThan(kept.Epoch.Evaluation, metric));
        if (place < 0)
            place = _kept.Count;
        if (place >= count)
            return false;
        var weights = _kept.Count < count ? new WeightSnapshot(tensors) : _kept[^1].Weights;
        if (_kept.Count == count)
            _kept.RemoveAt(count - 1);
        weights.Take();
        _kept.Insert(place, (new KeptEpoch(epoch, evaluation), weights));
        return place == 0;
    }

    /// <summary>Whether all present weights are finite.</summary>
    public bool LiveIsFinite()
    {
        using var scope = NewDisposeScope();
        return tensors.All(named => named.Tensor.isfinite().all().item<bool>());
    }

    /// <summary>Gives the network the best weights, if there are any.</summary>
    public void RestoreBest()
    {
        if (_kept is [var best, ..])
            best.Weights.Restore();
    }

    /// <summary>Gives the network the mean of all that are kept; whole numbers are the best one's.</summary>
    public void RestoreAverage()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var copies = _kept.Select(kept => kept.Weights.Copies).ToArray();
        foreach (var (index, (_, tensor)) in tensors.Index())
        {
            if (tensor.is_floating_point())
                tensor.copy_(stack([.. copies.Select(copy => copy[index])]).mean([0]));
            else
                tensor.copy_(copies[0][index]);
        }
    }

    /// <summary>Makes place for kept weights, to be filled through <see cref="Tensors"/>.</summary>
    public void Restore(IEnumerable<KeptEpoch> epochs) => _kept.AddRange(epochs.Select(epoch => (epoch, new WeightSnapshot(tensors))));

    public void Dispose()
    {
        foreach (var (_, weights) in _kept)
            weights.Dispose();
    }
}
