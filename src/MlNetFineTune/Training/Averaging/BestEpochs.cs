using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The weights of the best epochs so far, best first; the earlier of equals.</summary>
/// <param name="tensors">All tensors that training changes. The network keeps ownership.</param>
/// <param name="count">Number of stored epochs.</param>
/// <param name="metric">The metric of the comparison.</param>
internal sealed class BestEpochs(IReadOnlyList<(string Name, Tensor Tensor)> tensors, int count, Metric metric) : IDisposable
{
    private readonly List<(KeptEpoch Epoch, WeightSnapshot Weights)> _kept = [];

    public IReadOnlyList<KeptEpoch> Kept => [.. _kept.Select(kept => kept.Epoch)];

    /// <summary>The best epoch; 0 before the first.</summary>
    public int Epoch => _kept is [var best, ..] ? best.Epoch.Epoch : 0;

    public Evaluation? Evaluation => _kept is [var best, ..] ? best.Epoch.Evaluation : null;

    /// <summary>
    /// Outputs of the best epoch for the validation rows; null if they are not needed or no epoch was evaluated.
    /// </summary>
    public RowOutputs? Outputs { get; set; }

    /// <summary>The stored tensors, owned by this object.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Tensors() =>
        _kept.SelectMany((kept, place) =>
            tensors.Zip(kept.Weights.Copies, (named, copy) => (FormattableString.Invariant($"best/{place}/{named.Name}"), copy)));

    /// <summary>Stores the current weights if they are among the best.</summary>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <param name="evaluation">The evaluation; null without validation, where every epoch counts as better than the previous one.</param>
    /// <returns>Whether they are the best so far.</returns>
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

    /// <summary>Whether all current weights are finite.</summary>
    public bool LiveIsFinite()
    {
        using var scope = NewDisposeScope();
        return tensors.All(named => named.Tensor.isfinite().all().item<bool>());
    }

    /// <summary>Sets the network's weights to the best ones, if there are any.</summary>
    public void RestoreBest()
    {
        if (_kept is [var best, ..])
            best.Weights.Restore();
    }

    /// <summary>Sets the network's weights to the mean of all stored ones; integers are those of the best.</summary>
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

    /// <summary>Allocates stored weights, to be filled through <see cref="Tensors"/>.</summary>
    public void Restore(IEnumerable<KeptEpoch> epochs) => _kept.AddRange(epochs.Select(epoch => (epoch, new WeightSnapshot(tensors))));

    public void Dispose()
    {
        foreach (var (_, weights) in _kept)
            weights.Dispose();
    }
}
