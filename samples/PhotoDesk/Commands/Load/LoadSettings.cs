using System.Globalization;

namespace PhotoDesk;

/// <summary>Settings of a load test.</summary>
/// <param name="Url">Address of the desk.</param>
/// <param name="Seconds">Duration of each phase.</param>
/// <param name="Callers">Number of callers, each of which uploads one photo at a time.</param>
/// <param name="Retrain">Whether to run a second phase during a training.</param>
/// <param name="Switch">Whether to run a third phase with alternating models.</param>
internal sealed record LoadSettings(Uri Url, TimeSpan Seconds, int Callers, bool Retrain, bool Switch)
{
    public const string Usage = "load --url http://127.0.0.1:5080 [--seconds 20] [--callers 8] [--during retrain,switch]";

    /// <exception cref="ArgumentException">An argument is not valid; the message names it.</exception>
    public static LoadSettings Parse(string[] args)
    {
        var said = new ConfigurationBuilder().AddCommandLine(args).Build();
        if (said.GetChildren().Select(option => option.Key)
            .Except(["url", "seconds", "callers", "during"], StringComparer.OrdinalIgnoreCase).FirstOrDefault() is { } unknown)
            throw new ArgumentException($"There is no option --{unknown}. Usage: {Usage}");
        var during = (said["during"] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (during.Except(["retrain", "switch"]).FirstOrDefault() is { } other)
            throw new ArgumentException($"--during {other}: it must be retrain, switch, or both with a comma between them.");
        return new LoadSettings(
            Uri.TryCreate(said["url"], UriKind.Absolute, out var url) ? url : throw new ArgumentException($"Say which desk: {Usage}"),
            TimeSpan.FromSeconds(Count(said, "seconds", 20, most: 600)), Count(said, "callers", 8, most: 256), during.Contains("retrain"),
            during.Contains("switch"));
    }

    private static int Count(IConfiguration said, string name, int otherwise, int most) =>
        said[name] is not { } text ? otherwise
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= 1 && count <= most ? count
        : throw new ArgumentException($"--{name} {text}: it must be a whole number from 1 to {most}.");
}
