using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>Encoded rows to scores, from any number of threads. The network is freed with the last scorer that shares it.</summary>
internal sealed class NetworkScorer : IBatchScorer, IDisposable
{
    private readonly SharedNetwork _shared;
    private readonly Objective _objective;
    // No tensor is freed in the middle of a forward pass.
    private readonly DisposalGuard _guard = new(
        nameof(FineTuningTransformer), "The fine-tuned model was disposed; load it again, or dispose it later.");

    /// <param name="network">The network, prepared for scoring.</param>
    /// <param name="objective">The objective, which turns outputs into scores.</param>
    /// <param name="views">The views of each row, at least one; their scores are averaged.</param>
    public NetworkScorer(SharedNetwork network, Objective objective, IReadOnlyList<Augmentation> views)
    {
        network.Join();
        _shared = network;
        _objective = objective;
        Views = views;
    }

    /// <summary>Numbers of a row's score.</summary>
    public int ScoreLength => _objective.ScoreLength;

    public string OfUnreadable => "scores are missing (NaN), and ML.NET's Evaluate leaves such rows out of its metrics";

    public IReadOnlyList<Augmentation> Views { get; }

    public bool IsOnGpu => _shared.Network.Device.type == DeviceType.CUDA;

    /// <summary>The network, whoever else scores with it.</summary>
    public SharedNetwork Shared => _shared;

    /// <summary>Another scorer on the same network. Disposing either leaves the other as it is.</summary>
    public NetworkScorer Share(IReadOnlyList<Augmentation> views)
    {
        using var lease = _guard.Use();
        return new NetworkScorer(_shared, _objective, views);
    }

    /// <param name="rows">The bytes of [count, views] rows.</param>
    /// <param name="count">At least 1.</param>
    /// <param name="scores">[count, <see cref="ScoreLength"/>].</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Score(ReadOnlySpan<byte> rows, int count, Span<float> scores)
    {
        using var lease = _guard.Use();
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var result = _objective.ScoresOf(_shared.Network.ForwardRest(_shared.Collator.Collate(rows, count * Views.Count), first: 0));
        if (Views.Count > 1)
            result = result.view(count, Views.Count, ScoreLength).mean([1]); // [count, views, scores] -> [count, scores]
        result.cpu().data<float>().CopyTo(scores);
    }

    /// <summary>Reads the tensors of the network, which cannot be disposed meanwhile.</summary>
    public void Read(Action<FineTunedNetwork> action)
    {
        using var lease = _guard.Use();
        action(_shared.Network);
    }

    public void Dispose() => _guard.Dispose(_shared.Leave);
}
