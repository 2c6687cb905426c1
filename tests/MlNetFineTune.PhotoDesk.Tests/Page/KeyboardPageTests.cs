using Microsoft.Playwright;

namespace MlNetFineTune.PhotoDesk.Tests.Page;

/// <summary>The whole way without a mouse; at each stop the focus is to be seen.</summary>
[TestClass]
public sealed class KeyboardPageTests
{
    [TestMethod]
    public async Task EverythingIsReachedAndDoneFromTheKeyboard()
    {
        using var program = new Desk("--PhotoDesk:EmbeddedPerClass=10", "--PhotoDesk:Epochs=2");
        await DeskPage.Use(program, async desk =>
        {
            var keyboard = desk.Page.Keyboard;
            await keyboard.PressAsync("Tab");
            await Assertions.Expect(desk.Page.GetByText("Skip to the photos")).ToBeFocusedAsync();
            await Assertions.Expect(desk.Page.GetByText("Skip to the photos")).ToBeInViewportAsync();
            await keyboard.PressAsync("Enter");
            await Assertions.Expect(desk.Page.Locator("#photos")).ToBeFocusedAsync();

            await TabToAsync(desk.Page, "#choose");
            var chooser = await desk.Page.RunAndWaitForFileChooserAsync(() => keyboard.PressAsync("Enter"));
            await chooser.SetFilesAsync(Pictures.Some(4));
            await Assertions.Expect(desk.Rows).ToHaveCountAsync(4);

            // Digits choose a class; arrows go from class to class, and over the edge to the next photo.
            await TabToAsync(desk.Page, ".bar");
            var classes = await desk.Rows.First.Locator(".bar-name").AllInnerTextsAsync();
            for (var row = 0; row < 4; row++)
            {
                await keyboard.PressAsync($"{1 + row}");
                var pressed = desk.Rows.Nth(row).Locator("[aria-pressed='true']");
                await Assertions.Expect(pressed).ToBeFocusedAsync();
                await Assertions.Expect(pressed.Locator(".bar-name")).ToHaveTextAsync(classes[row]);
                for (var down = row; down < classes.Count && row < 3; down++)
                    await keyboard.PressAsync("ArrowDown");
                if (row < 3)
                    await Assertions.Expect(desk.Rows.Nth(row + 1).Locator(".bar").First).ToBeFocusedAsync();
            }
            await keyboard.PressAsync("ArrowUp");
            await keyboard.PressAsync("Space");
            await Assertions.Expect(desk.Rows.Nth(3).Locator(".bar").Nth(2)).ToHaveAttributeAsync("aria-pressed", "true");

            await TabToAsync(desk.Page, "#training .button.primary");
            await keyboard.PressAsync("Enter");
            await Assertions.Expect(desk.State).ToHaveTextAsync("Finished");
            await Assertions.Expect(desk.Button("Retrain")).ToBeFocusedAsync(); // nothing took it away
            await Assertions.Expect(desk.Page.Locator("#comparison")).ToBeVisibleAsync();
            await TabToAsync(desk.Page, "#comparison .buttons .button");
            await keyboard.PressAsync("Enter");
            await Assertions.Expect(desk.Page.Locator("#served")).ToHaveTextAsync("Model 2 answers");

            await TabToAsync(desk.Page, "#models .buttons .button");
            await keyboard.PressAsync("Space");
            await Assertions.Expect(desk.Page.Locator("#served")).ToHaveTextAsync("Model 1 answers");
        });
    }

    /// <summary>Presses Tab until the focus is on such an element; on the way each focused element shows an outline.</summary>
    private static async Task TabToAsync(IPage page, string selector)
    {
        for (var presses = 0; presses < 60; presses++)
        {
            await page.Keyboard.PressAsync("Tab");
            var unseen = await page.EvaluateAsync<string?>(
                """
                () => {
                  const focused = document.activeElement;
                  if (focused === document.body) return null; // the browser's own controls
                  const shown = focused.matches("input[type=file]") ? focused.nextElementSibling : focused;
                  const style = getComputedStyle(shown);
                  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 ? null : focused.outerHTML;
                }
                """);
            Assert.IsNull(unseen, "no outline shows that the focus is here");
            if (await page.EvaluateAsync<bool>("selector => document.activeElement.matches(selector)", selector))
                return;
        }
        Assert.Fail($"60 times Tab do not reach '{selector}'.");
    }
}
