using MlNetFineTune.Primitives;

namespace MlNetFineTune;

public abstract partial record FeatureCache
{
    /// <summary>
    /// What the frozen stages had to compute, and what was there already; over all parts of the training, with validation.
    /// </summary>
    /// <param name="RowsComputed">Rows that went through the frozen stages; a row counts once for each of its views.</param>
    /// <param name="RowsFound">Rows that did not: found in a folder, or equal to another row.</param>
    /// <param name="Seconds">Time for look-up, reading and computing, in seconds.</param>
    /// <param name="Bytes">Size of the features in bytes.</param>
    public sealed record Report(int RowsComputed, int RowsFound, double Seconds, long Bytes)
    {
        internal Report Plus(Report other) =>
            new(RowsComputed + other.RowsComputed, RowsFound + other.RowsFound, Seconds + other.Seconds, Bytes + other.Bytes);

        /// <summary>Names and values, with the same numbers in every culture.</summary>
        public override string ToString() => InvariantText.Of(this);
    }
}
