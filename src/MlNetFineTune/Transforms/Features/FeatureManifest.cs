using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Transforms;

/// <summary>The manifest of a feature extractor's file, as JSON. Format version 1.</summary>
internal sealed record FeatureManifest
{
    public const int CurrentVersion = 1;

    public required int FormatVersion { get; init; }

    /// <summary>Versions of the libraries involved.</summary>
    public required IReadOnlyDictionary<string, string> Packages { get; init; }

    /// <summary>The input column, with the network's input size.</summary>
    public required ImageInputManifest Input { get; init; }

    public required BackboneManifest Encoder { get; init; }

    public required PoolingManifest Pooling { get; init; }

    public required string OutputColumn { get; init; }

    /// <summary>Null if there is none.</summary>
    public string? StatusColumn { get; init; }

    public required ProbeMismatch OnProbeMismatch { get; init; }

    /// <summary>Features of the input's probe sample.</summary>
    public required IReadOnlyList<float> ProbeFeatures { get; init; }

    /// <summary>SHA-256 of the weights file; null before it is written.</summary>
    public string? WeightsSha256 { get; init; }

    /// <summary>Creates the input of the network.</summary>
    /// <exception cref="ArgumentException">The input is not valid.</exception>
    public ModelInput CreateInput(IReadOnlyList<int> sizes) => ScaledImageInput.Create(
        new ImageColumn(Input.Column, Input.Folder, Input.RawPixels), Encoder.Preprocessing, Encoder.InputChannels, sizes);
}
