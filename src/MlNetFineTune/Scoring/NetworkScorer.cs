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
    private readonly SharedEngine? _engine;
    private readonly ScoreFunction _function;
    // No tensor is freed during a forward pass.
    private readonly DisposalGuard _guard;

    /// <param name="network">The network, prepared for scoring.</param>
    /// <param name="function">The function that is computed for each row.</param>
    /// <param name="views">The views of each row, at least one; their scores are averaged.</param>
    /// <param name="engine">Computes the stages below the head; null for libtorch.</param>
    public NetworkScorer(
        SharedNetwork network, ScoreFunction function, IReadOnlyList<Augmentation> views, SharedEngine? engine = null)
    {
        network.Join();
        engine?.Join();
        (_shared, _engine) = (network, engine);
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

    /// <summary>Name of what computes the stages below the head.</summary>
    public string Engine => _engine?.Engine.Name ?? StageEngine.LibTorch;

    /// <summary>Whether libtorch computes all.</summary>
    public bool IsOnLibTorch => _engine is null;

    /// <summary>Another scorer on the same network and the same engine. Each is disposed independently.</summary>
    public NetworkScorer Share(IReadOnlyList<Augmentation> views)
    {
        using var lease = _guard.Use();
        return new NetworkScorer(_shared, _function, views, _engine);
    }

    /// <summary>Another scorer on the same network, with an engine. Each is disposed independently.</summary>
    /// <param name="engine">Computes the stages below the head. Ownership is transferred, unless this throws.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public NetworkScorer With(StageEngine engine)
    {
        using var lease = _guard.Use();
        return new NetworkScorer(_shared, _function, Views, new SharedEngine(engine));
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
        var (network, inputs) = (_shared.Network, _shared.Collator.Collate(rows, count * Views.Count));
        var result = _engine is null
            ? _function.Compute(network, inputs, 0)
            : _function.Compute(network, inputs.With(_engine.Engine.Forward(inputs)), network.Stages.Count);
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

    public void Dispose() => _guard.Dispose(() =>
    {
        _engine?.Leave();
        _shared.Leave();
    });
}
