namespace MlNetFineTune.Data;

/// <summary>A row that could not be read.</summary>
/// <param name="OfValidationSet">Whether the row belongs to a separate validation set, whose rows are numbered independently.</param>
/// <param name="Row">Index of the row.</param>
/// <param name="Reason">The reason.</param>
/// <param name="Epoch">The epoch in which it was found; it is left out from the next epoch on.</param>
internal sealed record KnownBadRow(bool OfValidationSet, int Row, string Reason, int Epoch);
