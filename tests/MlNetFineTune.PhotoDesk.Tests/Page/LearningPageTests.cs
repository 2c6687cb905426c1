using Microsoft.Playwright;

namespace MlNetFineTune.PhotoDesk.Tests.Page;

[TestClass]
public sealed class LearningPageTests
{
    private const string EndlessEpochs = "--PhotoDesk:Epochs=10000";

    [TestMethod]
    public async Task FromCorrectionsToANewModelThatIsComparedServedAndRolledBack()
    {
        using var program = new Desk("--PhotoDesk:EmbeddedPerClass=20", "--PhotoDesk:Epochs=4", "--PhotoDesk:LearningRate=0.02");
        await DeskPage.Use(program, async desk =>
        {
            desk.Expect("409"); // the first training is refused
            await desk.Button("Retrain").ClickAsync();
            await Assertions.Expect(desk.Page.Locator("#training .bad")).ToContainTextAsync("label", new() { IgnoreCase = true });
            await Assertions.Expect(desk.Page.Locator("#training .bad")).ToHaveAttributeAsync("role", "alert");

            await CorrectAsync(desk, 8);
            await desk.Button("Retrain").ClickAsync();
            await Assertions.Expect(desk.State).ToHaveTextAsync("Finished");
            await Assertions.Expect(desk.Page.Locator("#training .chart")).ToHaveCountAsync(2);
            await desk.Page.GetByText("The numbers").ClickAsync();
            await Assertions.Expect(desk.Page.Locator("#training .numbers tbody tr")).ToHaveCountAsync(4);

            // Photos are answered by the old model until it is switched.
            await Assertions.Expect(desk.Page.Locator("#served")).ToHaveTextAsync("Model 1 answers");
            var comparison = desk.Page.GetByRole(AriaRole.Region, new() { Name = "Model 2 beside model 1" });
            await Assertions.Expect(comparison.Locator(".numbers tbody tr")).ToHaveCountAsync(2);
            foreach (var number in await comparison.Locator(".numbers td:nth-child(2), .numbers td:nth-child(3)").AllInnerTextsAsync())
                Assert.IsTrue(double.Parse(number, System.Globalization.CultureInfo.InvariantCulture) is >= 0 and <= 1, number);
            await VerifyChangesAsync(comparison);
            await Assertions.Expect(comparison.Locator(".lead")).ToContainTextAsync(" is right ");

            await desk.Button("Switch to model 2").ClickAsync();
            await Assertions.Expect(desk.Page.Locator("#served")).ToHaveTextAsync("Model 2 answers");
            await Assertions.Expect(comparison).ToBeHiddenAsync();
            await desk.UploadAsync(Pictures.Of("crack", 30, "after.jpg"));
            await Assertions.Expect(desk.Row("after.jpg").Locator(".answer")).ToContainTextAsync("model 2");

            await desk.Button("Roll back to model 1").ClickAsync();
            await Assertions.Expect(desk.Page.Locator("#served")).ToHaveTextAsync("Model 1 answers");
            await desk.UploadAsync(Pictures.Of("crack", 31, "back.jpg"));
            await Assertions.Expect(desk.Row("back.jpg").Locator(".answer")).ToContainTextAsync("model 1");
            await desk.Button("Compare model 2 with the one in use").ClickAsync();
            await Assertions.Expect(comparison).ToBeFocusedAsync();
        });
    }

    [TestMethod]
    public async Task ATrainingIsSeenToGoAndStopsWithTheBestSoFar()
    {
        using var program = new Desk("--PhotoDesk:EmbeddedPerClass=10", EndlessEpochs);
        await DeskPage.Use(program, async desk =>
        {
            await CorrectAsync(desk, 4);
            await desk.Button("Retrain").ClickAsync();
            await Assertions.Expect(desk.State).ToHaveTextAsync("Learning");
            await Assertions.Expect(desk.Page.GetByRole(AriaRole.Progressbar, new() { Name = "Progress of the training" }))
                .ToBeVisibleAsync();
            await Assertions.Expect(desk.Button("Retrain")).ToHaveAttributeAsync("aria-disabled", "true");
            await Assertions.Expect(desk.Page.Locator("#training .line.loud")).ToHaveCountAsync(2);
            var bar = desk.Page.Locator("#training progress");
            var before = await bar.EvaluateAsync<double>("bar => bar.value");
            await desk.Page.WaitForFunctionAsync("before => document.querySelector('#training progress').value > before", before);
            await Assertions.Expect(desk.Page.Locator(".training-line")).ToContainTextAsync("left");

            // Another page, opened in the middle, shows the same training.
            var second = await desk.Page.Context.NewPageAsync();
            await second.GotoAsync(program.Url);
            await Assertions.Expect(second.Locator("#training .state")).ToHaveTextAsync("Learning");

            await desk.Button("Stop").ClickAsync();
            await Assertions.Expect(desk.State).ToHaveTextAsync("Stopped");
            await Assertions.Expect(desk.Page.Locator(".training-line .detail")).ToContainTextAsync("Model 2 has the weights of epoch");
            await Assertions.Expect(desk.Button("Stop")).ToBeHiddenAsync();
            await Assertions.Expect(desk.Page.GetByRole(AriaRole.Heading, new() { Name = "Model 2 beside model 1" })).ToBeVisibleAsync();
            await Assertions.Expect(second.Locator("#training .state")).ToHaveTextAsync("Stopped");
            await desk.Button("Keep model 1").ClickAsync();
            await Assertions.Expect(desk.Page.Locator("#comparison")).ToBeHiddenAsync();
        });
    }

    [TestMethod]
    public async Task AKillInTheMiddleOfATrainingIsSaidAndThePageGoesOnByItself()
    {
        using var program = new Desk("--PhotoDesk:EmbeddedPerClass=10", EndlessEpochs, "--PhotoDesk:CheckpointInterval=00:00:01");
        await DeskPage.Use(program, async desk =>
        {
            await CorrectAsync(desk, 4);
            await desk.Button("Retrain").ClickAsync();
            await Assertions.Expect(desk.Page.Locator("#training .line.loud")).ToHaveCountAsync(2);

            foreach (var part in new[] { "Failed to load resource", "ERR_" })
                desk.Expect(part); // of the time in which nobody answers
            program.Kill();
            await Assertions.Expect(desk.Page.GetByText("Connection lost, trying again …").First).ToBeVisibleAsync();
            await desk.Class("clean-00.jpg", "stain").ClickAsync();
            await Assertions.Expect(desk.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("PhotoDesk does not answer.");
            await desk.Button("Close").ClickAsync();

            program.Start();
            await Assertions.Expect(desk.Page.Locator("#connection")).ToBeHiddenAsync();
            await Assertions.Expect(desk.Rows).ToHaveCountAsync(4);
            await Assertions.Expect(desk.Page.Locator("[aria-pressed='true']")).ToHaveCountAsync(4);
            await Assertions.Expect(desk.State).ToHaveTextAsync("Learning");
            await desk.Button("Stop").ClickAsync();
            await Assertions.Expect(desk.State).ToHaveTextAsync("Stopped");
        });
    }

    /// <summary>Uploads photos and labels each.</summary>
    private static async Task CorrectAsync(DeskPage desk, int count)
    {
        var photos = Pictures.Some(count);
        await desk.UploadAsync(photos);
        foreach (var photo in photos)
        {
            var right = desk.Class(photo.Name, photo.Name.Split('-')[0]);
            await right.ClickAsync();
            await Assertions.Expect(right).ToHaveAttributeAsync("aria-pressed", "true");
        }
    }

    /// <summary>Each changed answer is shown with its picture, and two different classes.</summary>
    private static async Task VerifyChangesAsync(ILocator comparison)
    {
        var changes = comparison.Locator(".changes li");
        var count = await changes.CountAsync();
        await Assertions.Expect(comparison.Locator("h3"))
            .ToHaveTextAsync(count switch { 0 => "No answer changed", 1 => "1 answer changed", _ => $"{count} answers changed" });
        for (var i = 0; i < count; i++)
        {
            await changes.Nth(i).ScrollIntoViewIfNeededAsync();
            await Assertions.Expect(changes.Nth(i).Locator("img")).Not.ToHaveJSPropertyAsync("naturalWidth", 0);
            var classes = (await changes.Nth(i).Locator(".detail").Last.InnerTextAsync()).Split(" → ");
            Assert.AreNotEqual(classes[0], classes[1]);
        }
    }
}
