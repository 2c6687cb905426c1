using System.Globalization;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// Metrics of labels of words. An entity is correct if its type and all its words are. Lenient metrics (<see cref="EntityF1"/>) are those
/// of conlleval, the script of the CoNLL tasks, and of seqeval's default mode: an <c>I-</c> without a beginning starts an entity. Strict
/// ones (<see cref="StrictEntityF1"/>) are those of seqeval's strict mode: only entities that are complete in their scheme count. All are
/// from 0 to 1, and 0 where nothing is present or predicted; those of entities are NaN if the labels mark none.
/// </summary>
public sealed record TokenClassificationMetrics
{
    internal TokenClassificationMetrics(TokenCounts counts, long rows, long rowsLeftOut)
    {
        (EntityF1, EntityPrecision, EntityRecall) = OfEntities(counts, counts.Lenient);
        (StrictEntityF1, StrictEntityPrecision, StrictEntityRecall) = OfEntities(counts, counts.Strict);
        WordAccuracy = counts.WordAccuracy;
        PerType = [.. counts.Lenient.OfTypes.Select(type => Of(type.Key, type.Value.Actual, type.Value.Predicted, type.Value.Correct))];
        (Words, Rows, RowsLeftOut) = (counts.Words, rows, rowsLeftOut);
    }

    /// <summary>Harmonic mean of <see cref="EntityPrecision"/> and <see cref="EntityRecall"/>, over all types together.</summary>
    public double EntityF1 { get; }

    /// <summary>Fraction of the predicted entities that are correct, by conlleval's rules.</summary>
    public double EntityPrecision { get; }

    /// <summary>Fraction of the true entities that are predicted, by conlleval's rules.</summary>
    public double EntityRecall { get; }

    /// <summary>Harmonic mean of <see cref="StrictEntityPrecision"/> and <see cref="StrictEntityRecall"/>.</summary>
    public double StrictEntityF1 { get; }

    /// <summary>As <see cref="EntityPrecision"/>, of entities that are complete in their scheme.</summary>
    public double StrictEntityPrecision { get; }

    /// <summary>As <see cref="EntityRecall"/>, of entities that are complete in their scheme.</summary>
    public double StrictEntityRecall { get; }

    /// <summary>
    /// Fraction of the words whose label is correct; true labels are converted to the scheme of the predicted ones before, and BIOES to
    /// IOB2. NaN without words.
    /// </summary>
    public double WordAccuracy { get; }

    /// <summary>The lenient metrics of each type that is present or predicted, in ordinal order; empty without entities.</summary>
    public IReadOnlyList<OfType> PerType { get; }

    /// <summary>Number of evaluated words.</summary>
    public long Words { get; }

    /// <summary>Number of evaluated rows.</summary>
    public long Rows { get; }

    /// <summary>Number of rows left out because they have no labels, or no prediction (a row that could not be scored).</summary>
    public long RowsLeftOut { get; }

    /// <summary>Names and values of the single numbers as text, in the invariant culture.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{nameof(TokenClassificationMetrics)} {{ {nameof(EntityF1)} = {EntityF1}, {nameof(EntityPrecision)} = {EntityPrecision}, "
        + $"{nameof(EntityRecall)} = {EntityRecall}, {nameof(StrictEntityF1)} = {StrictEntityF1}, "
        + $"{nameof(StrictEntityPrecision)} = {StrictEntityPrecision}, {nameof(StrictEntityRecall)} = {StrictEntityRecall}, "
        + $"{nameof(WordAccuracy)} = {WordAccuracy}, {nameof(Words)} = {Words}, {nameof(Rows)} = {Rows}, "
        + $"{nameof(RowsLeftOut)} = {RowsLeftOut} }}");

    private static OfType Of(string type, long actual, long predicted, long correct) => new(
        type, EntityCounts.Ratio(correct, predicted), EntityCounts.Ratio(correct, actual),
        EntityCounts.Ratio(2 * correct, actual + predicted), actual, predicted);

    private static (double F1, double Precision, double Recall) OfEntities(TokenCounts counts, EntityCounts entities) =>
        counts.AreEntities ? (entities.F1, entities.Precision, entities.Recall) : (double.NaN, double.NaN, double.NaN);

    /// <summary>The metrics of one type of entities.</summary>
    /// <param name="Type">Name of the type.</param>
    /// <param name="Precision">Fraction of the predicted entities that are correct.</param>
    /// <param name="Recall">Fraction of the true entities that are predicted.</param>
    /// <param name="F1">Harmonic mean of both.</param>
    /// <param name="Entities">Number of true entities.</param>
    /// <param name="Predicted">Number of predicted entities.</param>
    public sealed record OfType(string Type, double Precision, double Recall, double F1, long Entities, long Predicted)
    {
        /// <summary>Names and values as text, in the invariant culture.</summary>
        public override string ToString() => FormattableString.Invariant(
            $"{Type}: {nameof(Precision)} = {Precision}, {nameof(Recall)} = {Recall}, {nameof(F1)} = {F1}, ")
            + FormattableString.Invariant($"{nameof(Entities)} = {Entities}, {nameof(Predicted)} = {Predicted}");
    }
}
