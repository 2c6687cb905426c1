using Microsoft.Playwright;

namespace MlNetFineTune.PhotoDesk.Tests.Page;

/// <summary>The page "Label next".</summary>
[TestClass]
public sealed class QueuePageTests
{
    private static readonly Lazy<Desk> SharedDesk = new(() => new Desk("--PhotoDesk:EmbeddedPerClass=10"));

    [ClassCleanup]
    public static void Stop()
    {
        if (SharedDesk.IsValueCreated)
            SharedDesk.Value.Dispose();
    }

    [TestMethod]
    public Task APhotoIsLabelledWithAClickAndTheNextOneFollows() => DeskPage.Use(SharedDesk.Value, async desk =>
    {
        await OpenAsync(desk);
        var cards = desk.Page.Locator(".queue li");
        var total = int.Parse(await desk.Page.Locator("#queue-count").InnerTextAsync());
        Assert.IsGreaterThan(2, total);
        var name = await cards.First.Locator(".name").InnerTextAsync();
        StringAssert.Matches(await cards.First.Locator(".queue-why").InnerTextAsync(), new(@"^\w+ \d+ % or \w+ \d+ %$"));

        await cards.First.Locator(".bar").Nth(1).ClickAsync();
        var label = await cards.First.Locator(".bar-name").Nth(1).InnerTextAsync();
        await Assertions.Expect(cards.First.Locator(".badge")).ToHaveTextAsync($"Labelled {label}");
        await Assertions.Expect(desk.Announcement).ToHaveTextAsync($"{name} is {label}.");
        await Assertions.Expect(desk.Page.Locator("#queue-count")).ToHaveTextAsync($"{total - 1}");
        await Assertions.Expect(cards.Nth(1).Locator(".bar[tabindex='0']")).ToBeFocusedAsync();
        await desk.Page.Keyboard.PressAsync("1"); // and on from the keyboard
        await Assertions.Expect(cards.Nth(1).Locator(".bar").First).ToHaveAttributeAsync("aria-pressed", "true");
        await Assertions.Expect(cards.Nth(2).Locator(".bar[tabindex='0']")).ToBeFocusedAsync();

        await cards.First.Locator(".bar").Nth(1).ClickAsync(); // taken back
        await Assertions.Expect(cards.First.Locator(".badge")).ToHaveCountAsync(0);
        await Assertions.Expect(desk.Page.Locator("#queue-count")).ToHaveTextAsync($"{total - 1}");

        // The label is a correction like any other.
        var second = await cards.Nth(1).Locator(".name").InnerTextAsync();
        await desk.Button("Rank again").ClickAsync();
        await Assertions.Expect(cards.First.Locator(".name")).ToHaveTextAsync(name);
        await Assertions.Expect(cards.Filter(new() { HasText = second })).ToHaveCountAsync(0);
        await desk.Page.GetByRole(AriaRole.Link, new() { Name = "Photos" }).ClickAsync();
        await desk.LoadedAsync();
        await Assertions.Expect(desk.Row(second).Locator("[aria-pressed='true']")).ToHaveCountAsync(1);
    });

    [TestMethod]
    [DataRow(1280, ColorScheme.Light)]
    [DataRow(1280, ColorScheme.Dark)]
    [DataRow(375, ColorScheme.Light)]
    [DataRow(375, ColorScheme.Dark)]
    public Task ThePageIsLegibleAndFits(int width, ColorScheme scheme) => DeskPage.Use(SharedDesk.Value, async desk =>
    {
        await OpenAsync(desk);
        await desk.Page.Locator(".queue li").First.Locator(".bar").First.ClickAsync();
        await Assertions.Expect(desk.Page.Locator(".queue li.done")).ToHaveCountAsync(1);

        await AppearancePageTests.VerifyAsync(desk, width);

        await AppearancePageTests.ScreenshotAsync(desk, $"photodesk-queue-{width}-{scheme}");
        await desk.Page.Locator(".queue li").First.Locator(".bar").First.ClickAsync();
        await Assertions.Expect(desk.Page.Locator(".queue li.done")).ToHaveCountAsync(0);
    }, width, scheme);

    [TestMethod]
    public async Task WithoutPhotosThePageSaysSo()
    {
        using var program = new Desk("--PhotoDesk:EmbeddedPerClass=10");
        await DeskPage.Use(program, async desk =>
        {
            await desk.Page.GetByText("Label next").ClickAsync();
            await Assertions.Expect(desk.Page.Locator("#queue .empty")).ToContainTextAsync("Nothing to label.");
        });
    }

    private static async Task OpenAsync(DeskPage desk)
    {
        if (await desk.Rows.CountAsync() == 0)
            await desk.UploadAsync(Pictures.Some(16));
        await desk.Page.GetByRole(AriaRole.Link, new() { Name = "Label next" }).ClickAsync();
        await Assertions.Expect(desk.Page.Locator(".queue li").First).ToBeVisibleAsync();
    }
}
