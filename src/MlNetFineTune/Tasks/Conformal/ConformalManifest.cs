namespace MlNetFineTune.Tasks;

/// <summary>The part of a model file's manifest about <see cref="ConformalPrediction"/>.</summary>
/// <param name="PredictedLabelsColumn">Name of the column of class sets.</param>
/// <param name="RejectedColumn">Name of the column of the flag.</param>
/// <param name="Score">The nonconformity score.</param>
/// <param name="Coverage">The requested coverage.</param>
/// <param name="Rows">Number of calibration rows that were scored.</param>
/// <param name="Quantiles">One for all classes, or one for each.</param>
/// <param name="Novelty">The novelty score; null without one.</param>
internal sealed record ConformalManifest(
    string PredictedLabelsColumn, string RejectedColumn, ScoreManifest Score, float Coverage, int Rows, IReadOnlyList<float> Quantiles,
    NoveltyManifest? Novelty)
{
    /// <param name="task">The bound task of the model.</param>
    /// <param name="load">Loads the features of the novelty score, and compares their hash; null if the file has none.</param>
    /// <exception cref="ArgumentException">The description is not valid.</exception>
    public ConformalModel Bind(BoundTask task, Func<NoveltyManifest, byte[]>? load)
    {
        if (task.ClassScores is not { } classes)
            throw new ArgumentException("it has conformal sets, and no classes of which a row has one");
        if (!(Coverage is > 0 and < 1) || Rows < 0 || Quantiles.Any(float.IsNaN)
            || (Quantiles.Count != 1 && Quantiles.Count != classes.Names.Count))
        {
            throw new ArgumentException("its conformal quantiles make no sense");
        }
        if (string.IsNullOrWhiteSpace(PredictedLabelsColumn) || string.IsNullOrWhiteSpace(RejectedColumn)
            || (Novelty is not null && string.IsNullOrWhiteSpace(Novelty.Column)))
        {
            throw new ArgumentException("a conformal column has no name");
        }
        return new(this, task, new ConformalSets(Score.Create(), Quantiles), Novelty?.Create(load));
    }
}

/// <summary>A nonconformity score.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Penalty">Penalty for each rank.</param>
/// <param name="FreeRanks">Number of ranks without penalty.</param>
internal sealed record ScoreManifest(string Kind, float Penalty = 0, int FreeRanks = 1)
{
    public const string LeastAmbiguous = "LeastAmbiguous";
    public const string Cumulative = "Cumulative";

    /// <exception cref="ArgumentException">The score is not known, or its numbers are out of range.</exception>
    public ConformalPrediction.NonconformityScore Create() => Kind switch
    {
        LeastAmbiguous => ConformalPrediction.NonconformityScore.LeastAmbiguous,
        Cumulative => ConformalPrediction.NonconformityScore.RegularizedAdaptive(Penalty, FreeRanks),
        _ => throw new ArgumentException($"its nonconformity score is {SafeText.Quoted(Kind)}"),
    };
}

/// <summary>A novelty score; the features are a separate entry of the file.</summary>
/// <param name="Column">Name of the column.</param>
/// <param name="Neighbors">Which neighbour counts, from 1.</param>
/// <param name="Threshold">The novelty above which a row is rejected.</param>
/// <param name="Rows">Number of rows of the features.</param>
/// <param name="Features">Number of features of a row.</param>
/// <param name="Sha256">SHA-256 of the features' bytes, in lower-case hexadecimal.</param>
internal sealed record NoveltyManifest(string Column, int Neighbors, float Threshold, int Rows, int Features, string Sha256)
{
    /// <exception cref="ArgumentException">The description is not valid.</exception>
    public NearestNeighbors Create(Func<NoveltyManifest, byte[]>? load)
    {
        if (Neighbors < 1 || Rows is < 1 or > ConformalPrediction.NoveltyScore.MostRows || Features < 1
            || (long)Rows * Features * sizeof(float) > Array.MaxLength || float.IsNaN(Threshold))
        {
            throw new ArgumentException("its novelty score makes no sense");
        }
        return load is null
            ? throw new ArgumentException("it has a novelty score, and no features for it")
            : NearestNeighbors.OfBytes(load(this), Rows, Features, Neighbors);
    }
}
