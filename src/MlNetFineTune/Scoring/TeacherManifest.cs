using MlNetFineTune.Training;

namespace MlNetFineTune.Scoring;

/// <summary>The teacher of a distilled model.</summary>
/// <param name="Teacher">Name of the teacher's network.</param>
/// <param name="WeightsSha256">
/// SHA-256 of the teacher's weights in lower-case hexadecimal, as in the manifest of its own model file.
/// </param>
internal sealed record TeacherManifest(string Teacher, string WeightsSha256);
