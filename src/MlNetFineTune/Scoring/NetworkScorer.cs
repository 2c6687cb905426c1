using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>Computes scores of encoded rows. Thread-safe. The network is freed with the last scorer that shares it.</summary>
internal sealed class NetworkScorer : IBatchScorer, IDisposable
{
    private readonly SharedNetwork _shared;
    private readonly ScoreFunction _function;
    // No tensor is freed during a forward pass.
    private readonly DisposalGuard _guard;

    /// <param name="network">The network, prepared for scoring.</param>
    /// <param name="function">The function that is computed for each row.</param>
    /// <param name="views">The views of each row, at least one; their scores are averaged.</param>
    public NetworkScorer(SharedNetwork network, ScoreFunction function, IReadOnlyList<Augmentation> views)
    {
        network.Join();
        _shared = network;
        _function = function;
        _guard = new DisposalGuard(function.Owner, "The fine-tuned model was disposed; load it again, or dispose it later.");
        Views = views;
    }

    /// <param name="network">The network, prepared for scoring.</param>
    /// <param name="objective">The objective, which turns outputs into scores.</param>
    /// <param name="views">The views of each row, at least one; their scores are averaged.</param>
    public NetworkScorer(SharedNetwork network, Objective objective, IReadOnlyList<Augmentation> views)
        : this(network, ScoreFunction.Of(objective), views)
    {
    }

    /// <summary>Length of a row's score vector.</summary>
    public int ScoreLength => _function.Length;

    /// <summary>What is missing for a row that cannot be read, for the log.</summary>
    public string Missing => _function.Missing;

    public IReadOnlyList<Augmentation> Views { get; }

    public bool IsOnGpu => _shared.Network.Device.type == DeviceType.CUDA;

    /// <summary>The network, which can be shared with other scorers.</summary>
    public SharedNetwork Shared => _shared;

    /// <summary>Another scorer on the same network. Each is disposed independently.</summary>
    public NetworkScorer Share(IReadOnlyList<Augmentation> views)
    {
        using var lease = _guard.Use();
        return new NetworkScorer(_shared, _function, views);
    }

    /// <param name="rows">Encoded rows: [count, views, bytes of a view].</param>
    /// <param name="count">At least 1.</param>
    /// <param name="scores">[count, <see cref="ScoreLength"/>].</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Score(ReadOnlySpan<byte> rows, int count, Span<float> scores)
    {
        using var lease = _guard.Use();
        if (LengthGroups.Of(_shared.Collator, rows, count * Views.Count) is { } groups)
            groups.Score(rows, scores, ScoreLength, ScoreTogether);
        else
            ScoreTogether(rows, count, scores);
    }

    // In one forward pass.
    private void ScoreTogether(ReadOnlySpan<byte> rows, int count, Span<float> scores)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var result = _function.Compute(_shared.Network, _shared.Collator.Collate(rows, count * Views.Count));
        if (Views.Count > 1)
            result = result.view(count, Views.Count, ScoreLength).mean([1]); // [count, views, scores] -> [count, scores]
        result.cpu().data<float>().CopyTo(scores);
    }

    /// <summary>Runs an action on the network, which is not disposed meanwhile.</summary>
    public void Read(Action<FineTunedNetwork> action)
    {
        using var lease = _guard.Use();
        action(_shared.Network);
    }

    public void Dispose() => _guard.Dispose(_shared.Leave);
}
