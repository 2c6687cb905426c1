using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace MlNetFineTune.Tool;

/// <summary>Parsers of options, which say what they expected.</summary>
internal static class OptionParsers
{
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(365);

    public static Strategy? ParseStrategy(ArgumentResult result) => ValueOf(result) switch
    {
        "head" => Strategy.HeadOnly,
        "full" => Strategy.Full(),
        "gradual" => Strategy.Gradual(),
        "probe-then-full" => Strategy.ProbeThenFull(),
        "norm-and-bias" => Strategy.NormAndBias,
        "pairs" => Strategy.ContrastiveThenProbe(),
        var last when last.StartsWith("last:", StringComparison.Ordinal) && IsCount(last["last:".Length..], out int stages) =>
            Strategy.LastStages(stages),
        var other => Refuse<Strategy>(
            result, $"There is no strategy '{other}'. There are: head, last:N (N at least 1), full, gradual, probe-then-full, "
                + "norm-and-bias, pairs."),
    };

    public static int? ParseCount(ArgumentResult result)
    {
        if (IsCount(ValueOf(result), out int count))
            return count;
        result.AddError($"{NameOf(result)} {ValueOf(result)}: it must be a whole number, at least 1.");
        return null;
    }

    public static float? ParsePositive(ArgumentResult result)
    {
        if (IsNumber(ValueOf(result), out float number) && number > 0)
            return number;
        result.AddError($"{NameOf(result)} {ValueOf(result)}: it must be a number above 0.");
        return null;
    }

    public static float? ParseProbability(ArgumentResult result)
    {
        if (IsNumber(ValueOf(result), out float number) && number is > 0 and < 1)
            return number;
        result.AddError($"{NameOf(result)} {ValueOf(result)}: it must be a number above 0 and below 1.");
        return null;
    }

    /// <summary>From 0 on, and below 1.</summary>
    public static float? ParseFraction(ArgumentResult result)
    {
        if (IsNumber(ValueOf(result), out float number) && number is >= 0 and < 1)
            return number;
        result.AddError($"{NameOf(result)} {ValueOf(result)}: it must be a number from 0 on and below 1.");
        return null;
    }

    /// <summary>Such as 90s, 30m, 2h, or 01:30:00; at most a year.</summary>
    public static TimeSpan? ParseDuration(ArgumentResult result)
    {
        string text = ValueOf(result);
        TimeSpan? duration = text switch
        {
            [.. var number, 's'] when IsNumber(number, out float seconds) => Of(seconds, TimeSpan.FromSeconds(1)),
            [.. var number, 'm'] when IsNumber(number, out float minutes) => Of(minutes, TimeSpan.FromMinutes(1)),
            [.. var number, 'h'] when IsNumber(number, out float hours) => Of(hours, TimeSpan.FromHours(1)),
            _ => text.Contains(':') && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out TimeSpan clock) ? clock : null,
        };
        if (duration > TimeSpan.Zero && duration <= s_longest)
            return duration;
        result.AddError($"{NameOf(result)} {text}: it must be a time above 0 and up to a year, such as 90s, 30m, 2h or 01:30:00.");
        return null;

        // Larger numbers would overflow.
        static TimeSpan? Of(float number, TimeSpan unit) => number > 0 && number <= s_longest / unit ? number * unit : null;
    }

    public static Precision? ParsePrecision(ArgumentResult result)
    {
        switch (ValueOf(result))
        {
            case "float32":
                return Precision.Float32;
            case "bfloat16":
                return Precision.BFloat16;
            case "auto":
                return Precision.Auto;
            default:
                result.AddError($"There is no precision '{ValueOf(result)}'. There are: float32, bfloat16, auto.");
                return null;
        }
    }

    /// <summary>A parser that finds a value by its name.</summary>
    /// <param name="noun">What a value is called.</param>
    /// <param name="values">Names and values.</param>
    public static Func<ArgumentResult, T?> OneOf<T>(string noun, params (string Name, T Value)[] values)
        where T : class => result =>
        values.FirstOrDefault(value => value.Name == ValueOf(result)) is { Name: not null } found
            ? found.Value
            : Refuse<T>(
                result, $"There is no {noun} '{ValueOf(result)}'. There are: {string.Join(", ", values.Select(value => value.Name))}.");

    public static bool IsCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count > 0;

    public static T? Refuse<T>(ArgumentResult result, string reason)
        where T : class
    {
        result.AddError(reason);
        return null;
    }

    private static bool IsNumber(string text, out float number) =>
        float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && float.IsFinite(number);

    private static string ValueOf(ArgumentResult result) => result.Tokens[0].Value;

    private static string NameOf(ArgumentResult result) =>
        result.Parent is OptionResult option ? option.Option.Name : result.Argument.Name;
}
