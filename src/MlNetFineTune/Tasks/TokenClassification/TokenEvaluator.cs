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
    /// <param name="predictedScheme">Scheme of the predicted labels, if the labels mark entities.</param>
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
            predictedScheme = Checked(LabelTexts.Distinct(data, predictedLabelColumnName), predictedScheme, predictedLabelColumnName);

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
            var labels = predictedScheme == LabelScheme.Iob2 ? prediction : Iob2(prediction);
            counts.AddWords(Iob2(truth).Zip(labels).Count(pair => pair.First == pair.Second), actual.Length);
        }
        else
        {
            counts.AddWords(actual.Zip(predicted).Count(pair => pair.First == pair.Second), actual.Length);
        }
    }

    // Predictions without any entity are O in every scheme.
    private static LabelScheme Checked(IReadOnlyList<string> predicted, LabelScheme scheme, string column)
    {
        if (scheme == LabelScheme.Recognize)
        {
            return predicted.Any(label => EntityTag.TryParse(label, out var tag) && tag.Prefix is 'E' or 'S')
                ? LabelScheme.Bioes : LabelScheme.Iob2;
        }
        if (predicted.Count > 0)
            WordTags.Of(predicted, scheme, column);
        return scheme;
    }

    private static EntityTag[] TagsOf(string?[] labels) => Array.ConvertAll(
        labels, label => label is not null && EntityTag.TryParse(label, out var tag) ? tag : EntityTag.Outside);

    // By its entities, so that labels of different schemes are compared by what they mean.
    private static EntityTag[] Iob2(EntityTag[] tags) => EntityTags.ToIob2(EntityTags.Lenient(tags), tags.Length);
}
