using MlNetFineTune.Training;

namespace MlNetFineTune.Scoring;

/// <summary>The teacher of a distilled model.</summary>
/// <param name="Teacher">The name of its network.</param>
/// <param name="WeightsSha256">Of its weights, in lower-case hexadecimal, as the manifest of its own model file has it.</param>
internal sealed record TeacherManifest(string Teacher, string WeightsSha256);
