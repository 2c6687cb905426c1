namespace MlNetFineTune.Data;

/// <summary>A row that could not be read.</summary>
/// <param name="OfValidationSet">Rows of a validation set of its own are numbered for themselves.</param>
/// <param name="Row">Its index.</param>
/// <param name="Reason">Why.</param>
/// <param name="Epoch">In which it was found; it is left out from the next on.</param>
internal sealed record KnownBadRow(bool OfValidationSet, int Row, string Reason, int Epoch);
