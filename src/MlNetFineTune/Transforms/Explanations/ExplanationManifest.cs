using System.Text.Json.Serialization;
using MlNetFineTune.Data;

namespace MlNetFineTune.Transforms;

/// <summary>The method of an explanation, as a model file describes it.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "Kind")]
[JsonDerivedType(typeof(GradCamManifest), "GradCam")]
[JsonDerivedType(typeof(AttentionRolloutManifest), "AttentionRollout")]
[JsonDerivedType(typeof(IntegratedGradientsManifest), "IntegratedGradients")]
internal abstract record MethodManifest
{
    /// <exception cref="ArgumentException">There is no such method.</exception>
    public abstract Explanation Create();
}

/// <summary>What an explaining transformer's entry in a model file says.</summary>
internal sealed record ExplanationManifest
{
    public const int CurrentVersion = 1;

    public required int FormatVersion { get; init; }

    public required string OutputColumn { get; init; }

    /// <summary>Of the numbers of the map; null for none.</summary>
    public string? MapColumn { get; init; }

    /// <summary>With the column of the pictures that are explained.</summary>
    public required InputManifest Input { get; init; }

    public required MethodManifest Method { get; init; }

    public string? Class { get; init; }

    public string? Head { get; init; }

    public required float Strength { get; init; }

    /// <summary>Folder of the explained model in the same zip, which stands before this entry; null where the entry holds it.</summary>
    public string? Model { get; init; }
}
