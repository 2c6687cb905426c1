using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Transforms;

/// <summary>What the file of a feature extractor says of itself, as JSON. Format version 1.</summary>
internal sealed record FeatureManifest
{
    public const int CurrentVersion = 1;

    public required int FormatVersion { get; init; }

    /// <summary>Versions of what computes.</summary>
    public required IReadOnlyDictionary<string, string> Packages { get; init; }

    /// <summary>The column, at the size of the network.</summary>
    public required ImageInputManifest Input { get; init; }

    public required BackboneManifest Encoder { get; init; }

    public required PoolingManifest Pooling { get; init; }

    public required string OutputColumn { get; init; }

    /// <summary>Null where there is none.</summary>
    public string? StatusColumn { get; init; }

    public required ProbeMismatch OnProbeMismatch { get; init; }

    /// <summary>Features of the input's probe sample.</summary>
    public required IReadOnlyList<float> ProbeFeatures { get; init; }

    /// <summary>SHA-256 of the file of weights; null before it is written.</summary>
    public string? WeightsSha256 { get; init; }

    /// <summary>What enters the network.</summary>
    /// <exception cref="ArgumentException">There is no such input.</exception>
    public ModelInput CreateInput(IReadOnlyList<int> sizes) => ScaledImageInput.Create(
        new ImageColumn(Input.Column, Input.Folder, Input.RawPixels), Encoder.Preprocessing, Encoder.InputChannels, sizes);
}
