using System.Runtime.CompilerServices;

namespace MlNetFineTune.Primitives;

/// <summary>Parameters that several operations have. Not a number is in no range.</summary>
internal static class Checked
{
    public static float Probability(float value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value is >= 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(name, value, "A probability must be between 0 and 1.");

    public static float Range(float value, float minimum, float maximum, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value >= minimum && value <= maximum
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"It must be between {minimum} and {maximum}.");

    public static int Range(int value, int minimum, int maximum, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value >= minimum && value <= maximum
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"It must be between {minimum} and {maximum}.");
}
