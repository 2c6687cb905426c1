namespace MlNetFineTune.Strategies;

/// <summary>A strategy applied to a network.</summary>
/// <param name="FrozenStages">This many stages from the input on are frozen.</param>
/// <param name="StageScales">For each stage the factor of the learning rate; 0 where frozen. The head's is 1.</param>
internal sealed record TrainingPlan(int FrozenStages, IReadOnlyList<float> StageScales)
{
    public static TrainingPlan Trains(int stages, int trained, float layerDecay) => new(
        stages - trained,
        [.. Enumerable.Range(0, stages).Select(i => i < stages - trained ? 0 : MathF.Pow(layerDecay, stages - i))]);
}
