using Microsoft.Playwright;
using PhotoDesk;

namespace MlNetFineTune.PhotoDesk.Tests.Page;

/// <summary>The form to sign in.</summary>
[TestClass]
public sealed class SignInPageTests
{
    private static readonly string s_user = $"--PhotoDesk:SignIn:Users:ann={SignIn.Hash("ann", "correct horse")}";

    private static readonly Lazy<Desk> s_desk = new(() => new Desk("--PhotoDesk:EmbeddedPerClass=10", s_user));

    [ClassCleanup]
    public static void Stop()
    {
        if (s_desk.IsValueCreated)
            s_desk.Value.Dispose();
    }

    [TestMethod]
    public Task AChangeLeadsToTheFormAndBack() => DeskPage.Use(s_desk.Value, async desk =>
    {
        desk.Expect("401");
        await desk.Page.SetInputFilesAsync("#choose", Pictures.Some(1));
        await Assertions.Expect(desk.Page.Locator("#sign-in")).ToBeVisibleAsync();

        await desk.Page.GetByLabel("Name").FillAsync("ann");
        await desk.Page.GetByLabel("Password").FillAsync("wrong");
        await desk.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(desk.Page.Locator("#fault")).ToHaveTextAsync("The name or the password is wrong.");
        await desk.Page.GetByLabel("Password").FillAsync("correct horse");
        await desk.Button("Sign in").ClickAsync();

        await desk.LoadedAsync();
        await Assertions.Expect(desk.Button("Sign out ann")).ToBeVisibleAsync();
        await desk.UploadAsync(Pictures.Some(1));
        await desk.Button("Sign out ann").ClickAsync();
        await Assertions.Expect(desk.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in" })).ToBeVisibleAsync();
    });

    [TestMethod]
    [DataRow(1280, ColorScheme.Light)]
    [DataRow(375, ColorScheme.Dark)]
    public Task TheFormIsLegibleAndFits(int width, ColorScheme scheme) => DeskPage.Use(s_desk.Value, async desk =>
    {
        await desk.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(desk.Page.Locator("#sign-in")).ToBeVisibleAsync();

        await AppearancePageTests.VerifyAsync(desk, width);

        await AppearancePageTests.ScreenshotAsync(desk, $"photodesk-sign-in-{width}-{scheme}");
    }, width, scheme);
}
