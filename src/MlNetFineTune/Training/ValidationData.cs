using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>The rows that epochs are evaluated on. The weights of the best epoch are kept.
/// Do not use the test data here: they would select the model that they are meant to evaluate.</summary>
public abstract record ValidationData
{
    private protected ValidationData()
    {
    }

    /// <summary>No validation: all rows train and the last epoch is kept.</summary>
    public static ValidationData None { get; } = new NoValidation();

    /// <summary>A share of the training rows, the same share of every class, chosen by the seed.</summary>
    /// <param name="fraction">Share of the rows. Above 0, below 1.</param>
    /// <param name="groupColumn">
    /// A text or key column whose equal values stay together, such as the serial number of the photographed part: near-copies on both sides
    /// would flatter the result. The shares of the classes are then approximate.
    /// </param>
    public static ValidationData Fraction(float fraction, string? groupColumn = null) => new FractionValidation(fraction, groupColumn);

    /// <summary>
    /// Other data with the same columns. Labels are matched by value, and by their text where the training's key was made of another type,
    /// which the log says; labels that training does not know are an error that names them. Rows without a label (a missing key, empty
    /// text, NaN) are left out, as in training.
    /// </summary>
    public static ValidationData Set(IDataView view) => new SetValidation(view);

    /// <summary>Checks the columns before any row is read.</summary>
    /// <exception cref="Exception">A column is missingor of another type; ML.NET's own error.</exception>
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
