using System.Globalization;

namespace MlNetFineTune.Tests.Support;

/// <summary>
/// Another culture during a test, in this thread and in threads without a culture of their own. Tests do not run in parallel.
/// </summary>
internal sealed class Culture : IDisposable
{
    /// <summary>The invariant culture, and cultures with a decimal comma, other minus signs and the Turkish i.</summary>
    public static readonly string[] Names = ["", "en-US", "de-DE", "ar-SA", "fa-IR", "tr-TR"];

    private readonly CultureInfo _before = CultureInfo.CurrentCulture;
    private readonly CultureInfo? _beforeOfThreads = CultureInfo.DefaultThreadCurrentCulture;

    public Culture(string name) => CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(name);

    public static T In<T>(string name, Func<T> function)
    {
        using var culture = new Culture(name);
        return function();
    }

    /// <summary>Runs something in every culture.</summary>
    public static void Each(Action<string> action)
    {
        foreach (var name in Names)
        {
            using var culture = new Culture(name);
            action(name);
        }
    }

    public void Dispose() => (CultureInfo.CurrentCulture, CultureInfo.DefaultThreadCurrentCulture) = (_before, _beforeOfThreads);
}
