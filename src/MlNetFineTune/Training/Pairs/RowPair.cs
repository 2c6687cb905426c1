namespace MlNetFineTune.Training;

/// <summary>Two rows that are compared.</summary>
/// <param name="First">Index of the row that begins the pair.</param>
/// <param name="Second">Index of another row.</param>
/// <param name="SameClass">Whether both have the same class.</param>
internal readonly record struct RowPair(int First, int Second, bool SameClass);
