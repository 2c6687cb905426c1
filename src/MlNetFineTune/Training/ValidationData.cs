using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>
/// The rows on which epochs are evaluated to select the best one. Do not use the test data here: the test metrics would be biased by the
/// selection.
/// </summary>
public abstract record ValidationData
{
    private protected ValidationData()
    {
    }

    /// <summary>No validation: all rows are used for training, and the model is that of the last epoch.</summary>
    public static ValidationData None { get; } = new NoValidation();

    /// <summary>
    /// A random fraction of the training rows, stratified by class (for <see cref="LearningTask.MultiLabel"/> by all labels), determined by
    /// the seed.
    /// </summary>
    /// <param name="fraction">Fraction of the rows. Above 0, below 1.</param>
    /// <param name="groupColumn">
    /// Name of a text or key column whose equal values stay together, such as the serial number of a photographed part: near-duplicates on
    /// both sides would make the validation too optimistic. The stratification is then approximate. Default null: no groups.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="fraction"/> is out of range.</exception>
    public static ValidationData Fraction(float fraction, string? groupColumn = null) => new FractionValidation(fraction, groupColumn);

    /// <summary>
    /// A separate data set with the same columns. Labels are matched by value, or by text if the training's key has values of another type,
    /// which is logged; labels that the training data do not have are an error that names them. Rows without a label (a missing key, empty
    /// text, NaN) are skipped, as in training.
    /// </summary>
    /// <param name="view">The validation rows, with the columns of the training data.</param>
    public static ValidationData Set(IDataView view) => new SetValidation(view);

    /// <summary>Checks the columns before any row is read.</summary>
    /// <exception cref="Exception">A column is missing or has another type; ML.NET's own error.</exception>
    internal virtual void Check(IExceptionContext context, SchemaShape schema)
    {
    }

    internal sealed record NoValidation : ValidationData
    {
        public override string ToString() => nameof(None);
    }

    internal sealed record FractionValidation : ValidationData
    {
        public FractionValidation(float fraction, string? groupColumn)
        {
            Share = fraction is > 0 and < 1
                ? fraction
                : throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "The validation fraction must be above 0 and below 1.");
            GroupColumn = groupColumn;
        }

        public float Share { get; }

        public string? GroupColumn { get; }

        internal override void Check(IExceptionContext context, SchemaShape schema)
        {
            if (GroupColumn is null)
                return;
            if (!schema.TryFindColumn(GroupColumn, out var column))
                throw context.ExceptSchemaMismatch("inputSchema", "validation group", GroupColumn);
            if (column.Kind != SchemaShape.Column.VectorKind.Scalar || column.ItemType is not PrimitiveDataViewType)
                throw context.ExceptSchemaMismatch(
                    "inputSchema", "validation group", GroupColumn, "Text, Key or another single value a row", column.GetTypeString());
        }

        public override string ToString() =>
            FormattableString.Invariant($"Fraction({Share}{(GroupColumn is null ? "" : $", {GroupColumn}")})");
    }

    internal sealed record SetValidation : ValidationData
    {
        public SetValidation(IDataView view)
        {
            ArgumentNullException.ThrowIfNull(view);
            View = view;
        }

        [NotInFingerprint("its rows are hashed")]
        public IDataView View { get; }

        public override string ToString() => nameof(Set);
    }
}
