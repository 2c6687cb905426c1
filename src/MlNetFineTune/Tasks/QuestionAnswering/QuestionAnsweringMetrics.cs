using System.Globalization;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// Metrics of answers, as SQuAD's official script counts them: in lower case, without ASCII punctuation and without the words a, an and
/// the. A row without an answer is right if none is predicted. All are means over rows, from 0 to 1, and NaN without rows.
/// </summary>
public sealed record QuestionAnsweringMetrics
{
    internal QuestionAnsweringMetrics(AnswerCounts counts, long rowsLeftOut)
    {
        (ExactMatch, F1, Rows) = (counts.All.ExactMatch, counts.All.F1, counts.All.Rows);
        (WithAnswer, WithoutAnswer) = (Of(counts.WithAnswer), Of(counts.WithoutAnswer));
        RowsLeftOut = rowsLeftOut;
    }

    /// <summary>Fraction of the rows whose predicted answer is the true one.</summary>
    public double ExactMatch { get; }

    /// <summary>
    /// Mean over the rows of F1 of the words of the predicted answer and of the true one, by multiplicity. If one of them is empty: 1 if
    /// both are, otherwise 0.
    /// </summary>
    public double F1 { get; }

    /// <summary>The metrics of the rows that have an answer (HasAns in SQuAD's script).</summary>
    public OfRows WithAnswer { get; }

    /// <summary>The metrics of the rows that have none (NoAns in SQuAD's script).</summary>
    public OfRows WithoutAnswer { get; }

    /// <summary>Number of evaluated rows.</summary>
    public long Rows { get; }

    /// <summary>Number of rows left out because they could not be scored.</summary>
    public long RowsLeftOut { get; }

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{nameof(QuestionAnsweringMetrics)} {{ {nameof(ExactMatch)} = {ExactMatch}, {nameof(F1)} = {F1}, "
        + $"{nameof(WithAnswer)} = {{ {WithAnswer} }}, {nameof(WithoutAnswer)} = {{ {WithoutAnswer} }}, {nameof(Rows)} = {Rows}, "
        + $"{nameof(RowsLeftOut)} = {RowsLeftOut} }}");

    private static OfRows Of(AnswerCounts.Means means) => new(means.ExactMatch, means.F1, means.Rows);

    /// <summary>The metrics of a part of the rows.</summary>
    /// <param name="ExactMatch">Fraction of the rows whose predicted answer is the true one; NaN without rows.</param>
    /// <param name="F1">Mean F1 of the words; NaN without rows.</param>
    /// <param name="Rows">Number of rows.</param>
    public sealed record OfRows(double ExactMatch, double F1, long Rows)
    {
        /// <summary>Names and values as text, in the invariant culture.</summary>
        public override string ToString() => FormattableString.Invariant(
            $"{nameof(ExactMatch)} = {ExactMatch}, {nameof(F1)} = {F1}, {nameof(Rows)} = {Rows}");
    }
}
