using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Scoring;

/// <summary>An engine shared by several scorers of a network. It is freed with the last of them.</summary>
/// <param name="engine">Computes all stages below the head; ownership is transferred.</param>
internal sealed class SharedEngine(StageEngine engine) : SharedResource
{
    public StageEngine Engine { get; } = engine;

    protected override void Free() => Engine.Dispose();
}
