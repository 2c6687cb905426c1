using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>
/// Options of conformal prediction for a classifier (<see cref="LearningTask.Multiclass"/>, <see cref="LearningTask.Ordinal"/>,
/// <see cref="LearningTask.Binary"/>): for each scored row a set of classes that contains the true one with a chosen probability, a novelty
/// score that is high for rows unlike the training rows, and a flag that asks for the row to be checked. Split conformal prediction: the
/// guarantee comes from rows that neither the training nor the selection of the epoch has seen (Vovk et al. 2005; Lei et al. 2018;
/// Angelopoulos and Bates 2021, https://arxiv.org/abs/2107.07511). It holds on average over rows that come from the same source as the
/// validation rows, for any network, and for no other source.
/// </summary>
public sealed partial record ConformalPrediction
{
    // At these limits a million calibration rows are needed, or one is enough; beyond them 1 - rate is no exact decimal.
    private const float LeastRate = 1e-6f;
    private const float MostRate = 0.999999f;

    /// <summary>
    /// Probability with which the set contains the true class. 1e-6 to 1 - 1e-6. Default 0.95. A coverage c needs at least c / (1 - c)
    /// calibration rows: 19 for 0.95, 9 for 0.9, 99 for 0.99; fewer are an error before the training.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public float Coverage
    {
        get;
        init => field = value is >= LeastRate and <= MostRate ? value
            : throw new ArgumentOutOfRangeException(nameof(Coverage), value, "The coverage must be from 1e-6 to 1 - 1e-6.");
    } = 0.95f;

    /// <summary>
    /// How little a class conforms to a row; a set has all classes whose score is at most the calibrated quantile. Default
    /// <see cref="NonconformityScore.LeastAmbiguous"/>, which has the smallest sets.
    /// </summary>
    public NonconformityScore Score
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Score));
            field = value;
        }
    } = NonconformityScore.LeastAmbiguous;

    /// <summary>
    /// Whether the coverage holds for the rows of each class (Vovk 2012, https://arxiv.org/abs/1209.2673; Sadinle et al. 2019): each class
    /// has a quantile of its own, and needs as many calibration rows as <see cref="Coverage"/> says. Sets become larger. Default false: the
    /// coverage holds for all rows together, and may be lower for a rare or difficult class.
    /// </summary>
    public bool ClassConditional { get; init; }

    /// <summary>
    /// Fraction of the validation rows that is kept for the quantiles alone, drawn at random by the seed; the others select the epoch and
    /// fit the temperature or threshold. With a group column, the fraction of the groups, which stay together. At least 0, below 1. Default
    /// 0.5. With 0 all validation rows do both: the sets are then fitted to rows on which the network was selected, and the coverage of new
    /// rows is only approximately, usually slightly less than, <see cref="Coverage"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public float CalibrationFraction
    {
        get;
        init => field = value is >= 0 and < 1 ? value
            : throw new ArgumentOutOfRangeException(
                nameof(CalibrationFraction), value, "The fraction of calibration rows must be at least 0 and below 1.");
    } = 0.5f;

    /// <summary>
    /// The score of how unlike the training rows a row is. Default <see cref="NoveltyScore.NearestNeighbors"/> with its defaults.
    /// </summary>
    public NoveltyScore Novelty
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Novelty));
            field = value;
        }
    } = NoveltyScore.NearestNeighbors();

    /// <summary>
    /// Name of the output column of sets: a vector of keys of any length with the label's values, the most probable class first; for
    /// binary classification a vector of Boolean. It can be empty: no class conforms. Default "PredictedLabels".
    /// </summary>
    public string PredictedLabelsColumnName { get; init; } = "PredictedLabels";

    /// <summary>
    /// Name of the output column of <see cref="Novelty"/> (Single); there is none with <see cref="NoveltyScore.None"/>. Default "Novelty".
    /// </summary>
    public string NoveltyColumnName { get; init; } = "Novelty";

    /// <summary>
    /// Name of the output column (Boolean) that is true for rows that a person should check: the set is not exactly the predicted class,
    /// the novelty is above its threshold, or the row could not be read. Default "Rejected".
    /// </summary>
    public string RejectedColumnName { get; init; } = "Rejected";

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => InvariantText.Of(this);

    /// <summary>The output columns with the options that name them.</summary>
    internal IReadOnlyList<(string Option, string Name)> Outputs =>
    [
        ("PredictedLabelsColumnName", PredictedLabelsColumnName),
        .. Novelty == NoveltyScore.None ? ((string, string)[])[] : [("NoveltyColumnName", NoveltyColumnName)],
        ("RejectedColumnName", RejectedColumnName),
    ];
}
