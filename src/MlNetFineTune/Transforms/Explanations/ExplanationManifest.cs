using System.Text.Json.Serialization;
using MlNetFineTune.Data;

namespace MlNetFineTune.Transforms;

/// <summary>Description of the method of an explanation in a model file.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "Kind")]
[JsonDerivedType(typeof(GradCamManifest), "GradCam")]
[JsonDerivedType(typeof(AttentionRolloutManifest), "AttentionRollout")]
[JsonDerivedType(typeof(IntegratedGradientsManifest), "IntegratedGradients")]
internal abstract record MethodManifest
{
    /// <exception cref="ArgumentException">The method is not valid.</exception>
    public abstract Explanation Create();
}

/// <summary>Manifest of an explaining transformer in a model file.</summary>
internal sealed record ExplanationManifest
{
    public const int CurrentVersion = 1;

    public required int FormatVersion { get; init; }

    public required string OutputColumn { get; init; }

    /// <summary>Name of the column of map values; null for none.</summary>
    public string? MapColumn { get; init; }

    /// <summary>The input, with the column of the explained pictures.</summary>
    public required InputManifest Input { get; init; }

    public required MethodManifest Method { get; init; }

    public string? Class { get; init; }

    public string? Head { get; init; }

    public required float Strength { get; init; }

    /// <summary>Folder of the explained model in the same zip, before this entry; null if this entry contains the model.</summary>
    public string? Model { get; init; }
}
