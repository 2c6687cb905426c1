using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace MlNetFineTune.PhotoDesk.Tests.Page;

/// <summary>What a test does with the page. When it is done there must have been no error in the console, no violation of the content
/// security policy, and no request that leaves this machine.</summary>
internal sealed class DeskPage
{
    private readonly ConcurrentQueue<string> _complaints = new();
    private readonly List<string> _expected = [];

    private DeskPage(IPage page, Desk desk)
    {
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                _complaints.Enqueue($"{message.Text} ({message.Location})");
        };
        page.PageError += (_, error) => _complaints.Enqueue(error);
        page.Context.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(desk.Url, StringComparison.Ordinal))
                _complaints.Enqueue($"A request left PhotoDesk: {request.Url}");
        };
    }

    public IPage Page { get; }

    /// <summary>Opens the page, runs the test, and verifies that nothing was complained of.</summary>
    public static async Task Use(Desk desk, Func<DeskPage, Task> test, int width = 1280, ColorScheme scheme = ColorScheme.Light)
    {
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await Chromium.LaunchAsync(playwright);
        await using var context = await browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = width < 500 ? 812 : 900 },
            ColorScheme = scheme,
            Locale = "en-GB",
            ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(Patience.Milliseconds);
        Assertions.SetDefaultExpectTimeout(Patience.Milliseconds);
        var page = await context.NewPageAsync();
        var opened = new DeskPage(page, desk);
        await page.GotoAsync(desk.Url);
        await opened.LoadedAsync();
        await test(opened);
        opened.VerifyNoComplaints();
    }

    /// <summary>Models and photos are shown, or that there are none: what is counted now is not a page half filled.</summary>
    public async Task LoadedAsync()
    {
        await Assertions.Expect(Page.Locator("#models li").First).ToBeVisibleAsync();
        await Assertions.Expect(Page.Locator("#photo-table > *").First).ToBeVisibleAsync();
    }

    /// <summary>Complaints that contain this are the point of the test.</summary>
    public void Expect(string complaint) => _expected.Add(complaint);

    /// <summary>Waits for the browser to complain of this.</summary>
    public Task UntilComplaintAsync(string part) =>
        Patience.UntilAsync(() => Task.FromResult(_complaints.Any(complaint => complaint.Contains(part))),
            $"the browser complains of {part}");

    public void VerifyNoComplaints()
    {
        var complaints = _complaints.Where(complaint => !_expected.Exists(complaint.Contains)).ToArray();
        if (complaints.Length > 0)
            Assert.Fail($"The browser complains: {string.Join("; ", complaints)}");
    }

    /// <summary>Chooses files, and waits until each is a row or a fault.</summary>
    public async Task UploadAsync(params IReadOnlyList<FilePayload> files)
    {
        var photos = files.Count(file => file.MimeType.StartsWith("image/", StringComparison.Ordinal));
        var before = await Rows.CountAsync();
        await Page.SetInputFilesAsync("#choose", files);
        await Assertions.Expect(Rows).ToHaveCountAsync(before + photos);
        await Assertions.Expect(Page.Locator("#upload")).ToBeHiddenAsync();
    }

    public ILocator Rows => Page.Locator("#photo-table tbody tr");

    /// <summary>The row of the photo with this file name.</summary>
    public ILocator Row(string name) => Rows.Filter(new() { Has = Page.GetByTitle(name, new() { Exact = true }) });

    /// <summary>A class in a photo's row.</summary>
    public ILocator Class(string photo, string label) => Row(photo).Locator(".bar").Filter(new() { HasText = label });

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public ILocator State => Page.Locator("#training .state");

    /// <summary>The last announcement to screen readers.</summary>
    public ILocator Announcement => Page.Locator("#announcements");
}
