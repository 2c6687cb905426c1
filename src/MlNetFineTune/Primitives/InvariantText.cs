using System.Globalization;
using System.Reflection;

namespace MlNetFineTune.Primitives;

/// <summary>
/// The text that a record's generated <c>ToString</c> gives, <c>Name { First = 1, Second = 0.5 }</c>,
/// but with the same numbers in every culture.
/// </summary>
internal static class InvariantText
{
    public static string Of(object record)
    {
        var properties = record.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .OrderBy(property => Depth(property.DeclaringType!)).ThenBy(property => property.MetadataToken)
            .Select(property => $"{property.Name} = {Show(property.GetValue(record))}");
        return $"{record.GetType().Name} {{ {string.Join(", ", properties)} }}";
    }

    private static string? Show(object? value) => value switch
    {
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IReadOnlyDictionary<string, double> numbers =>
            $"{{ {string.Join(", ", numbers.Select(number => FormattableString.Invariant($"{number.Key} = {number.Value}")))} }}",
        _ => value?.ToString(),
    };

    // The properties of the base come first.
    private static int Depth(Type type) => type.BaseType is { } parent ? 1 + Depth(parent) : 0;
}
