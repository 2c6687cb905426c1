using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Search;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Labeling;

/// <summary>Reads the columns of a strategy, each row once.</summary>
internal sealed class LabelingReader
{
    private readonly IHostEnvironment _environment;
    private readonly LabelingStrategy _strategy;
    private readonly IDataView _pool;
    private readonly string _keyColumn;
    private readonly int _dimension;

    /// <exception cref="ArgumentOutOfRangeException">A column of the pool is missing or has another type.</exception>
    public LabelingReader(IHostEnvironment environment, LabelingStrategy strategy, IDataView pool, string keyColumn)
    {
        (_environment, _strategy, _pool, _keyColumn) = (environment, strategy, pool, keyColumn);
        KeyIn(pool);
        _dimension = strategy.FeaturesColumn is { } name ? SizeOf(FeaturesIn(pool, name)) : 1;
        Classes = strategy.ScoreColumn is { } score ? ClassesOf(ScoreIn(pool, score)) : [];
    }

    private IReadOnlyList<string> Classes { get; }

    /// <summary>Reads the labelled rows. They need the key column, and the features if the strategy uses them.</summary>
    /// <param name="data">Null if there are none.</param>
    /// <param name="cancellation">Cancels the reading.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    /// <returns>The rows with features, and the keys of all: a labelled row without features leaves the pool too.</returns>
    /// <exception cref="InvalidOperationException">Two rows have the same key, or features differ in size from the pool's.</exception>
    public (LabelingRows Rows, IReadOnlySet<string> Keys) ReadLabeled(IDataView? data, CancellationToken cancellation)
    {
        var rows = new LabelingRows(_dimension, []);
        if (data is null)
            return (rows, new HashSet<string>());
        if (_strategy.FeaturesColumn is { } name && SizeOf(FeaturesIn(data, name)) is var size && size != _dimension)
        {
            throw new InvalidOperationException(
                $"The column '{name}' has vectors of {size} numbers in the labelled data and of {_dimension} in the pool: "
                + "extract both with the same transformer.");
        }
        var keys = Read(data, withScores: false, rows, new HashSet<string>(), "in the labelled data", cancellation);
        return (rows, keys);
    }

    /// <summary>Reads the rows that can be labelled.</summary>
    /// <param name="labeled">Keys of rows to leave out.</param>
    /// <param name="cancellation">Cancels the reading.</param>
    /// <exception cref="InvalidOperationException">Two rows have the same key, or scores are no probabilities.</exception>
    public LabelingRows ReadPool(IReadOnlySet<string> labeled, CancellationToken cancellation)
    {
        var rows = new LabelingRows(_dimension, Classes);
        Read(_pool, withScores: true, rows, labeled, "in the pool", cancellation);
        return rows;
    }

    // Returns the keys of all rows that were not left out by their key.
    private HashSet<string> Read(
        IDataView data, bool withScores, LabelingRows rows, IReadOnlySet<string> leftOut, string whose, CancellationToken cancellation)
    {
        var key = KeyIn(data);
        DataViewSchema.Column? score = withScores && _strategy.ScoreColumn is { } scoreName ? ScoreIn(data, scoreName) : null;
        DataViewSchema.Column? features = _strategy.FeaturesColumn is { } featuresName ? FeaturesIn(data, featuresName) : null;
        DataViewSchema.Column?[] columns = [key, score, features];
        var incomplete = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        using (var cursor = data.GetRowCursor(columns.OfType<DataViewSchema.Column>()))
        {
            var nextKey = cursor.GetGetter<ReadOnlyMemory<char>>(key);
            var probabilities = score is { } ofScores ? ProbabilitiesIn(cursor, ofScores) : null;
            var nextFeatures = features is { } ofFeatures ? new VectorColumn<float>(cursor, ofFeatures) : null;
            var unit = new float[features is { } column ? SizeOf(column) : 0];
            ReadOnlyMemory<char> memory = default;
            while (cursor.MoveNext())
            {
                cancellation.ThrowIfCancellationRequested();
                nextKey(ref memory);
                var text = memory.ToString();
                if (leftOut.Contains(text))
                    continue;
                if (!known.Add(text))
                {
                    throw new InvalidOperationException(
                        $"Two rows {whose} have {SafeText.Quoted(text)} in column '{_keyColumn}'. Keys must differ: "
                        + "give a column that names each row.");
                }
                var numbers = probabilities is null ? default : probabilities.Next();
                if ((!numbers.IsEmpty && float.IsNaN(numbers[0]))
                    || (nextFeatures is not null && !UnitVectors.TryNormalize(nextFeatures.Next(), unit)))
                {
                    incomplete.Add(text);
                    continue;
                }
                rows.Add(text, numbers.IsEmpty ? null : Margin.Of(numbers) ?? throw NoProbabilities(text), unit);
            }
        }
        if (incomplete.Count > 0)
        {
            using var channel = _environment.Start("RankForLabeling");
            channel.Warning(
                $"{incomplete.Count} rows {whose} are left out, as they have no scores or no features (a picture that cannot be read has "
                + $"none): {SafeText.Several(incomplete)}.");
        }
        return known;
    }

    private InvalidOperationException NoProbabilities(string key) => new(
        $"The numbers in column '{_strategy.ScoreColumn}' of row {SafeText.Quoted(key)} are not the probabilities of classes that exclude "
        + "each other: they are not between 0 and 1, or their sum is not 1. Take the score column of a multiclass model whose trainer "
        + "gives probabilities, the probability of a binary one, or LabelingStrategy.CoreSet, which needs none.");

    private DataViewSchema.Column KeyIn(IDataView data) =>
        EvaluatedColumns.Find(_environment, data.Schema, _keyColumn, "key", "String", type => type is TextDataViewType);

    private DataViewSchema.Column FeaturesIn(IDataView data, string name) => EvaluatedColumns.Find(
        _environment, data.Schema, name, "features", "Vector<Single> of known size",
        type => type is VectorDataViewType { Size: > 0 and <= ImageIndex.LargestDimension } vector
            && vector.ItemType == NumberDataViewType.Single);

    private DataViewSchema.Column ScoreIn(IDataView data, string name)
    {
        var column = EvaluatedColumns.Find(
            _environment, data.Schema, name, "score", "Vector<Single> of two numbers at least, or Single",
            type => type == NumberDataViewType.Single
                || (type is VectorDataViewType { Size: > 1 } vector && vector.ItemType == NumberDataViewType.Single));
        return column.Type == NumberDataViewType.Single && IsScore(column)
            ? throw new InvalidOperationException(
                $"The column '{name}' has scores of a model, one number a row: logits, margins or predicted numbers, no probabilities. "
                + "Take the probability of a binary model (\"Probability\"), the score column of a multiclass model, or "
                + "LabelingStrategy.CoreSet, which needs none.")
            : column;
    }

    // As ML.NET's trainers annotate it: "Score" or "Probability". A column of other origin has no annotation.
    private static bool IsScore(DataViewSchema.Column column)
    {
        if (column.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.ScoreValueKind)?.Type is not TextDataViewType)
            return false;
        ReadOnlyMemory<char> kind = default;
        column.Annotations.GetValue(AnnotationUtils.Kinds.ScoreValueKind, ref kind);
        return kind.Span.SequenceEqual(AnnotationUtils.Const.ScoreValueKind.Score);
    }

    private static int SizeOf(DataViewSchema.Column features) => ((VectorDataViewType)features.Type).Size;

    private static IReadOnlyList<string> ClassesOf(DataViewSchema.Column score)
    {
        if (score.Type is not VectorDataViewType vector)
            return ["false", "true"];
        return EvaluatedColumns.NamesOf(score, AnnotationUtils.Kinds.SlotNames, vector.Size)
            ?? [.. Enumerable.Range(0, vector.Size).Select(c => $"class {c.ToString(CultureInfo.InvariantCulture)}")];
    }

    private static Probabilities ProbabilitiesIn(DataViewRow row, DataViewSchema.Column score) =>
        score.Type is VectorDataViewType ? new OfClasses(row, score) : new OfPositive(row, score);

    /// <summary>Reads the probabilities of the classes of the current row.</summary>
    private abstract class Probabilities
    {
        public abstract ReadOnlySpan<float> Next();
    }

    private sealed class OfClasses(DataViewRow row, DataViewSchema.Column score) : Probabilities
    {
        private readonly VectorColumn<float> _column = new(row, score);

        public override ReadOnlySpan<float> Next() => _column.Next();
    }

    private sealed class OfPositive(DataViewRow row, DataViewSchema.Column score) : Probabilities
    {
        private readonly ValueGetter<float> _getter = row.GetGetter<float>(score);
        private readonly float[] _both = new float[2];

        public override ReadOnlySpan<float> Next()
        {
            _getter(ref _both[1]);
            _both[0] = 1 - _both[1];
            return _both;
        }
    }
}
