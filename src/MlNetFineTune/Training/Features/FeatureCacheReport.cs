using MlNetFineTune.Primitives;

namespace MlNetFineTune;

public abstract partial record FeatureCache
{
    /// <summary>
    /// Numbers of computed and reused rows of features, over all phases of the training including validation.
    /// </summary>
    /// <param name="RowsComputed">Number of rows computed by the frozen stages; a row counts once for each of its views.</param>
    /// <param name="RowsFound">Number of rows that were not computed because they were found in a folder or equal another row.</param>
    /// <param name="Seconds">Time for look-up, reading and computing, in seconds.</param>
    /// <param name="Bytes">Size of the features in bytes.</param>
    public sealed record Report(int RowsComputed, int RowsFound, double Seconds, long Bytes)
    {
        internal Report Plus(Report other) =>
            new(RowsComputed + other.RowsComputed, RowsFound + other.RowsFound, Seconds + other.Seconds, Bytes + other.Bytes);

        /// <summary>Names and values as text, in the invariant culture.</summary>
        public override string ToString() => InvariantText.Of(this);
    }
}
