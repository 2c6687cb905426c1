using MlNetFineTune.Training;

namespace MlNetFineTune;

public abstract partial record Distillation
{
    /// <summary>Who taught a model.</summary>
    /// <param name="Teacher">The name of its network.</param>
    /// <param name="WeightsSha256">Of its weights, in lower-case hexadecimal, as the manifest of its own model file has it.</param>
    public sealed record Report(string Teacher, string WeightsSha256);
}
