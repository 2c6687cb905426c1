using Microsoft.Playwright;

namespace MlNetFineTune.PhotoDesk.Tests.Page;

/// <summary>The system's own Chromium; Playwright's browsers are never downloaded. Environment variable CHROMIUM names another.</summary>
internal static class Chromium
{
    private static readonly string[] Places =
    [
        "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", @"C:\Program Files\Google\Chrome\Application\chrome.exe",
    ];

    /// <summary>Skips the test where there is none. Caller closes it.</summary>
    public static Task<IBrowser> LaunchAsync(IPlaywright playwright)
    {
        var path = FindOrSkip();
        return playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = path,
            Timeout = Patience.Milliseconds,
            // The sandbox does not work for root, and containers have little /dev/shm. The names of a proxy, an updater and the like stay
            // unasked.
            Args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
                "--no-proxy-server"],
        });
    }

    /// <summary>The path; the test is skipped where there is none.</summary>
    public static string FindOrSkip()
    {
        if (Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named)
        {
            if (!File.Exists(named))
                Assert.Inconclusive($"CHROMIUM is '{named}', and there is no such file.");
            return named;
        }
        if (Places.FirstOrDefault(File.Exists) is { } found)
            return found;
        Assert.Inconclusive("There is no Chromium. Install it (Debian: apt-get install chromium), or set CHROMIUM to the path of one.");
        return "";
    }
}
