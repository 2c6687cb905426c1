namespace MlNetFineTune;

/// <summary>The model that a predictor serves.</summary>
/// <param name="Path">Full path of its file.</param>
/// <param name="Sha256">SHA-256 of the file, in lower-case hexadecimal.</param>
/// <param name="LoadedAt">Time at which the file was read.</param>
public sealed record HostedModel(string Path, string Sha256, DateTimeOffset LoadedAt)
{
    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => FormattableString.Invariant($"{Path} (SHA-256 {Sha256}), loaded at {LoadedAt:u}");
}
