using System.Text.Json.Serialization;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Transforms;

/// <summary>The manifest of a feature extractor's file, as JSON. Format version 1.</summary>
internal abstract record FeatureManifest
{
    public const int CurrentVersion = 1;

    public required int FormatVersion { get; init; }

    /// <summary>Versions of the libraries involved.</summary>
    public required IReadOnlyDictionary<string, string> Packages { get; init; }

    public required string OutputColumn { get; init; }

    /// <summary>Null if there is none.</summary>
    public string? StatusColumn { get; init; }

    public required ProbeMismatch OnProbeMismatch { get; init; }

    /// <summary>Features of the input's probe sample.</summary>
    public required IReadOnlyList<float> ProbeFeatures { get; init; }

    /// <summary>SHA-256 of the weights file; null before it is written.</summary>
    public string? WeightsSha256 { get; init; }

    /// <summary>ML.NET's header of the file.</summary>
    [JsonIgnore]
    public abstract VersionInfo Version { get; }

    /// <summary>How activations are reduced to features, in the invariant culture.</summary>
    [JsonIgnore]
    public abstract string PoolingCode { get; }

    /// <summary>Noun of a row in messages.</summary>
    [JsonIgnore]
    public abstract string Noun { get; }

    /// <summary>Description of the input.</summary>
    public abstract InputManifest GetInput();

    /// <summary>The manifest with those parts of the input that are separate entries of the file.</summary>
    /// <param name="ctx">Context at the model.</param>
    public abstract FeatureManifest WithEntries(ModelLoadContext ctx);

    /// <summary>Creates the network, whose weights are to be loaded. The caller disposes it.</summary>
    /// <param name="env">Environment, which knows the factories of replaced stages.</param>
    /// <param name="ctx">Context at the model.</param>
    /// <exception cref="ArgumentException">There is no such network.</exception>
    public abstract FineTunedNetwork CreateEmpty(IHostEnvironment env, ModelLoadContext ctx);

    /// <summary>Creates the input of the network.</summary>
    /// <exception cref="ArgumentException">The input is not valid, or does not fit the network.</exception>
    public abstract ModelInput CreateInput(FineTunedNetwork network);

    /// <summary>Creates the function that computes the features.</summary>
    /// <exception cref="ArgumentException">The pooling does not fit the network.</exception>
    public abstract FeatureFunction CreateFunction(FineTunedNetwork network);
}
