using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>Evaluates predicted labels of words in one pass over the data, after one over each column of texts.</summary>
internal static class TokenEvaluator
{
    /// <param name="env">Context of exceptions.</param>
    /// <param name="data">Scored data.</param>
    /// <param name="labelColumnName">Vector of text or of keys.</param>
    /// <param name="predictedLabelColumnName">Vector of text or of keys, of the same length.</param>
    /// <param name="scheme">Scheme of the labels.</param>
    /// <param name="predictedScheme">
    /// Scheme of the predicted labels, if the labels mark entities: by default that of the column's annotation, or of the names.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidOperationException">
    /// A row has another number of predictions than labels, or a label is none of its scheme.
    /// </exception>
    public static TokenClassificationMetrics Evaluate(
        IHostEnvironment env, IDataView data, string labelColumnName, string predictedLabelColumnName, LabelScheme scheme,
        LabelScheme predictedScheme)
    {
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(data);
        var label = EvaluatedColumns.Find(env, data.Schema, labelColumnName, "label", LabelTexts.Expected, LabelTexts.IsExpected);
        var predicted = EvaluatedColumns.Find(
            env, data.Schema, predictedLabelColumnName, "predicted label", LabelTexts.Expected, LabelTexts.IsExpected);
        var labels = LabelTexts.Distinct(data, labelColumnName);
        var areEntities = labels.Count > 0 && WordTags.Of(labels, scheme, labelColumnName).AreEntities;
        if (areEntities)
            predictedScheme = Resolved(predicted, LabelTexts.Distinct(data, predictedLabelColumnName), predictedScheme);

        var counts = new TokenCounts(areEntities);
        var (rows, leftOut) = (0L, 0L);
        using var cursor = data.GetRowCursor([label, predicted]);
        var (nextLabels, nextPredicted) = (LabelTexts.Reader(cursor, label), LabelTexts.Reader(cursor, predicted));
        while (cursor.MoveNext())
        {
            var (actual, byModel) = (nextLabels(), nextPredicted());
            if (actual.Length == 0 || byModel.Length == 0)
            {
                leftOut++;
                continue;
            }
            if (actual.Length != byModel.Length)
            {
                throw env.Except(FormattableString.Invariant(
                    $"Row {cursor.Position} has {actual.Length} labels in column '{labelColumnName}' and {byModel.Length} in column ")
                    + $"'{predictedLabelColumnName}': expected one each for every word.");
            }
            rows++;
            Add(counts, actual, byModel, predictedScheme);
        }
        return new TokenClassificationMetrics(counts, rows, leftOut);
    }

    private static void Add(TokenCounts counts, string?[] actual, string?[] predicted, LabelScheme predictedScheme)
    {
        if (counts.AreEntities)
        {
            var (truth, prediction) = (TagsOf(actual), TagsOf(predicted));
            counts.AddEntities(truth, prediction, predictedScheme);
            // Labels of different schemes are compared by what they mean.
            var scheme = predictedScheme == LabelScheme.Iob1 ? LabelScheme.Iob1 : LabelScheme.Iob2;
            var labels = predictedScheme == scheme ? prediction : Written(prediction, scheme);
            counts.AddWords(Written(truth, scheme).Zip(labels).Count(pair => pair.First == pair.Second), actual.Length);
        }
        else
        {
            counts.AddWords(actual.Zip(predicted).Count(pair => pair.First == pair.Second), actual.Length);
        }
    }

    private static LabelScheme Resolved(DataViewSchema.Column column, IReadOnlyList<string> predicted, LabelScheme scheme)
    {
        if (scheme != LabelScheme.Recognize)
        {
            if (predicted.Count > 0)
                WordTags.Of(predicted, scheme, column.Name);
            return scheme;
        }
        if (column.Annotations.Schema.GetColumnOrNull(TokenColumns.SchemeKind)?.Type is TextDataViewType)
        {
            ReadOnlyMemory<char> name = default;
            column.Annotations.GetValue(TokenColumns.SchemeKind, ref name);
            if (Enum.TryParse<LabelScheme>(name.Span, out var own) && own is LabelScheme.Iob1 or LabelScheme.Iob2)
                return own;
        }
        return predicted.Any(label => EntityTag.TryParse(label, out var tag) && tag.Prefix is 'E' or 'S')
            ? LabelScheme.Bioes : LabelScheme.Iob2;
    }

    private static EntityTag[] TagsOf(string?[] labels) => Array.ConvertAll(
        labels, label => label is not null && EntityTag.TryParse(label, out var tag) ? tag : EntityTag.Outside);

    private static EntityTag[] Written(EntityTag[] tags, LabelScheme scheme) =>
        EntityTags.Write(EntityTags.Lenient(tags), tags.Length, scheme);
}
