using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.MlNet;

/// <summary>A column's values as text: for people, and exactly, to find equal ones.</summary>
internal static class ValueText
{
    /// <summary>Values that differ may look alike: dates below a second.</summary>
    public static string Of<T>(T value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    /// <summary>The same for values that <c>MapValueToKey</c> takes for one (the same moment in two time zones,
    /// 0 and -0), and different for all others.</summary>
    public static string Exact<T>(T value) => value switch
    {
        DateTime time => time.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff", CultureInfo.InvariantCulture),
        DateTimeOffset time => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture),
        float number => Of(number + 0f),
        double number => Of(number + 0d),
        _ => Of(value),
    };

    /// <summary>Reads a column of text, numbers, keys (as their numbers) and the like; null where
    /// <c>MapValueToKey</c> would see none: empty text, NaN.</summary>
    /// <param name="row">The cursor that is read.</param>
    /// <param name="column">A column with one value per row.</param>
    /// <param name="exact">Whether to format values by <see cref="Exact"/> instead of <see cref="Of"/>.</param>
    public static Func<string?> Reader(DataViewRow row, DataViewSchema.Column column, bool exact) =>
        MlNet.Generic.Invoke(column.Type.RawType, new Read(row, column, exact));

    private sealed record Read(DataViewRow Row, DataViewSchema.Column Column, bool IsExact) : MlNet.Generic.IFunction<Func<string?>>
    {
        public Func<string?> Invoke<T>()
        {
            var getter = Row.GetGetter<T>(Column);
            T value = default!;
            return () =>
            {
                getter(ref value);
                return value is float.NaN or double.NaN || (IsExact ? Exact(value) : Of(value)) is not { Length: > 0 } text ? null : text;
            };
        }
    }
}
