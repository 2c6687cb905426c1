using Microsoft.Playwright;

namespace MlNetFineTune.PhotoDesk.Tests.Page;

/// <summary>On a phone and on a desktop, light and dark: nothing overflows, everything can be read and named.
/// The screenshots are in TestResults.</summary>
[TestClass]
public sealed class AppearancePageTests
{
    private static readonly Lazy<Desk> SharedDesk =
        new(() => new Desk("--PhotoDesk:EmbeddedPerClass=20", "--PhotoDesk:Epochs=4", "--PhotoDesk:LearningRate=0.02"));

    [ClassCleanup]
    public static void Stop()
    {
        if (SharedDesk.IsValueCreated)
            SharedDesk.Value.Dispose();
    }

    [TestMethod]
    [DataRow(1280, ColorScheme.Light)]
    [DataRow(1280, ColorScheme.Dark)]
    [DataRow(375, ColorScheme.Light)]
    [DataRow(375, ColorScheme.Dark)]
    public Task ThePageIsLegibleAndFits(int width, ColorScheme scheme) => DeskPage.Use(SharedDesk.Value, async desk =>
    {
        if (await desk.Rows.CountAsync() == 0)
            await LearnAsync(desk);
        await Assertions.Expect(desk.Page.Locator("#comparison")).ToBeVisibleAsync();
        await desk.Page.GetByText("The numbers").ClickAsync();

        await VerifyAsync(desk, width);

        await ScreenshotAsync(desk, $"photodesk-{width}-{scheme}");
    }, width, scheme);

    /// <summary>Nothing overflows, and everything can be read, named and pressed.</summary>
    internal static async Task VerifyAsync(DeskPage desk, int width)
    {
        Assert.IsLessThanOrEqualTo(width, await desk.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"),
            "the page scrolls sideways");
        Assert.AreEqual("", await desk.Page.EvaluateAsync<string>(PaleText), "text with a contrast below WCAG AA");
        Assert.AreEqual("", await desk.Page.EvaluateAsync<string>(Nameless), "controls without a name, or too small to press");
    }

    /// <summary>Of the whole page, in TestResults.</summary>
    internal static async Task ScreenshotAsync(DeskPage desk, string name)
    {
        var file = Path.Combine(AppContext.BaseDirectory, "TestResults", $"{name}.png".ToLowerInvariant());
        await desk.Page.EvaluateAsync("scrollTo(0, 0)");
        await desk.Page.ScreenshotAsync(new PageScreenshotOptions { Path = file, FullPage = true });
    }

    [TestMethod]
    public Task PaleTextWouldHaveBeenNoticed() => DeskPage.Use(SharedDesk.Value, async desk =>
    {
        await desk.Page.EvaluateAsync("document.querySelector('#learning h2').style.color = '#888'"); // 3.5 : 1 on white
        StringAssert.StartsWith(await desk.Page.EvaluateAsync<string>(PaleText), "3.5 Learn from corrections");
    });

    private static async Task LearnAsync(DeskPage desk)
    {
        var photos = Pictures.Some(8);
        await desk.UploadAsync(photos);
        foreach (var photo in photos[..6])
            await desk.Class(photo.Name, photo.Name.Split('-')[0]).ClickAsync();
        await Assertions.Expect(desk.Page.Locator("[aria-pressed='true']")).ToHaveCountAsync(6);
        await desk.Button("Retrain").ClickAsync();
        await Assertions.Expect(desk.State).ToHaveTextAsync("Finished");
    }

    // WCAG 2.2, 1.4.3: 4.5 : 1 for text of these sizes, from the relative luminances of sRGB colours.
    private const string PaleText =
        """
        () => {
          const parts = (color) => color.match(/[\d.]+/g).map(Number);
          const luminance = (color) => {
            const [r, g, b] = parts(color).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = (element) => {
            for (let e = element; e; e = e.parentElement) {
              const color = getComputedStyle(e).backgroundColor;
              if ((parts(color)[3] ?? 1) === 1) return color;
            }
            return "rgb(255, 255, 255)";
          };
          const pale = [];
          const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (texts.nextNode()) {
            const text = texts.currentNode.textContent.trim(), element = texts.currentNode.parentElement;
            if (text === "" || !element.checkVisibility()) continue;
            const style = getComputedStyle(element);
            const [dark, bright] = [luminance(element instanceof SVGElement ? style.fill : style.color), luminance(ground(element))]
                .sort((a, b) => a - b);
            const contrast = (bright + 0.05) / (dark + 0.05);
            if (contrast < 4.5) pale.push(`${contrast.toFixed(1)} ${text}`);
          }
          return pale.join("\n");
        }
        """;

    // WCAG 2.2, 2.5.8: 24 by 24 pixels.
    private const string Nameless =
        """
        () => [...document.querySelectorAll("button, a[href], select, summary, label.button")]
          .filter((e) => e.checkVisibility() && !e.matches(".skip, .foot a"))
          .filter((e) => {
            const box = e.getBoundingClientRect();
            return !(e.getAttribute("aria-label") || e.textContent.trim()) || box.width < 24 || box.height < 24;
          })
          .map((e) => e.outerHTML).join("\n")
        """;
}
