using MlNetFineTune.Training;

namespace MlNetFineTune.Scoring;

/// <summary>Who taught a model.</summary>
/// <param name="Teacher">The name of its network.</param>
/// <param name="WeightsSha256">Of its weights, in lower-case hexadecimal, as the manifest of its own model file has it.</param>
internal sealed record TeacherManifest(string Teacher, string WeightsSha256);
