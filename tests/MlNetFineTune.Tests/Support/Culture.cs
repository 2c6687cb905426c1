using System.Globalization;

namespace MlNetFineTune.Tests.Support;

/// <summary>Another culture for the length of a test, in this thread and in those that have none of their own. Tests do not run in
/// parallel.</summary>
internal sealed class Culture : IDisposable
{
    /// <summary>The invariant one, and those with traps: a comma, other minus signs, Turkish letters.</summary>
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
