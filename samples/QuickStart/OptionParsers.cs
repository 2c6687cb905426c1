using System.CommandLine.Parsing;
using System.Globalization;
using MlNetFineTune;

namespace QuickStart;

/// <summary>Parsers of options, which say what they expected.</summary>
internal static class OptionParsers
{
    public static Strategy? ParseStrategy(ArgumentResult result) => result.Tokens[0].Value switch
    {
        "head" => Strategy.HeadOnly,
        "full" => Strategy.Full(),
        var last when last.StartsWith("last:", StringComparison.Ordinal) && IsCount(last["last:".Length..], out int stages) =>
            Strategy.LastStages(stages),
        var other => Refuse<Strategy>(result, $"There is no strategy '{other}'. There are: head, last:N (N at least 1), full."),
    };

    public static int? ParseEpochs(ArgumentResult result)
    {
        if (IsCount(result.Tokens[0].Value, out int epochs))
            return epochs;
        result.AddError($"--epochs {result.Tokens[0].Value}: it must be a whole number, at least 1.");
        return null;
    }

    public static float? ParseLearningRate(ArgumentResult result)
    {
        if (float.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out float rate) && rate > 0
            && float.IsFinite(rate))
            return rate;
        result.AddError($"--learning-rate {result.Tokens[0].Value}: it must be a number above 0.");
        return null;
    }

    public static bool IsCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count > 0;

    public static T? Refuse<T>(ArgumentResult result, string reason)
        where T : class
    {
        result.AddError(reason);
        return null;
    }
}
