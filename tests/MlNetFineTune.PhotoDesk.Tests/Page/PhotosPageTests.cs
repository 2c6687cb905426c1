using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace MlNetFineTune.PhotoDesk.Tests.Page;

[TestClass]
public sealed class PhotosPageTests
{
    private static readonly Lazy<Desk> SharedDesk = new(() => new Desk("--PhotoDesk:EmbeddedPerClass=10"));

    [ClassCleanup]
    public static void Stop()
    {
        if (SharedDesk.IsValueCreated)
            SharedDesk.Value.Dispose();
    }

    [TestMethod]
    public Task APhotoIsAnsweredAndAWrongAnswerCorrectedConfirmedAndTakenBackWithAClickEach() =>
        DeskPage.Use(SharedDesk.Value, async desk =>
    {
        await desk.UploadAsync(Pictures.Of("crack", 1, "one.jpg"));
        var row = desk.Row("one.jpg");
        var answer = await row.Locator(".answer-label").InnerTextAsync();
        var percents = await row.Locator(".bar-percent").AllInnerTextsAsync();
        Assert.AreEqual(100, percents.Sum(text => int.Parse(text.Split(' ')[0])), 2, "the rounded percents of the classes");
        Assert.AreEqual(percents.Max(text => int.Parse(text.Split(' ')[0])),
            int.Parse((await row.Locator(".bar.predicted .bar-percent").InnerTextAsync()).Split(' ')[0]));
        var other = answer == "stain" ? "scratch" : "stain";

        await desk.Class("one.jpg", other).ClickAsync();
        await Assertions.Expect(row.Locator(".badge")).ToHaveTextAsync($"Corrected, was {answer}");
        await Assertions.Expect(row.Locator(".answer-label")).ToHaveTextAsync(other);
        await Assertions.Expect(desk.Class("one.jpg", other)).ToHaveAttributeAsync("aria-pressed", "true");
        await Assertions.Expect(desk.Announcement).ToHaveTextAsync($"one.jpg is {other}.");

        await desk.Class("one.jpg", answer).ClickAsync();
        await Assertions.Expect(row.Locator(".badge")).ToHaveTextAsync("Confirmed");
        await desk.Page.ReloadAsync();
        await desk.LoadedAsync();
        await Assertions.Expect(row.Locator(".badge")).ToHaveTextAsync("Confirmed");

        await desk.Class("one.jpg", answer).ClickAsync();
        await Assertions.Expect(row.Locator("[aria-pressed='true']")).ToHaveCountAsync(0);
        await Assertions.Expect(desk.Announcement).ToHaveTextAsync("one.jpg: correction taken back.");
    });

    [TestMethod]
    public Task ManyPhotosAtOnceStandInTheOrderOfTheirArrivalAndInTheDownloadedTable() => DeskPage.Use(SharedDesk.Value, async desk =>
    {
        var files = Pictures.Some(20);
        await desk.UploadAsync(files);
        var names = await desk.Rows.Locator(".name").AllInnerTextsAsync();
        CollectionAssert.AreEqual(files.Select(file => file.Name).Reverse().ToArray(), names.Take(20).ToArray());
        StringAssert.StartsWith(await desk.Announcement.InnerTextAsync(), "20 photos read: ");

        var download = await desk.Page.RunAndWaitForDownloadAsync(() => desk.Page.GetByText("Download table (CSV)").ClickAsync());
        Assert.AreEqual("photos.csv", download.SuggestedFilename);
        var table = await File.ReadAllTextAsync(await download.PathAsync());
        StringAssert.StartsWith(table.TrimStart('\uFEFF'), "id,name,time,predicted,probability,rejected,corrected,model");
        foreach (var file in files)
            StringAssert.Contains(table, file.Name);
    });

    [TestMethod]
    public Task WhatIsNoPictureIsRefusedInWordsAndTheOthersAreTaken() => DeskPage.Use(SharedDesk.Value, async desk =>
    {
        await desk.UploadAsync(Pictures.Of("clean", 7, "fine.jpg"), Pictures.Text("notes.txt"));
        var fault = desk.Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "notes.txt" });
        await Assertions.Expect(fault).ToContainTextAsync("1 photo was not taken");
        await Assertions.Expect(fault).ToContainTextAsync("This is no picture that can be read.");
        await Assertions.Expect(desk.Row("fine.jpg")).ToBeVisibleAsync();
        await desk.Button("Dismiss").ClickAsync();
        await Assertions.Expect(desk.Page.Locator("#upload-faults")).ToBeEmptyAsync();
    });

    [TestMethod]
    public Task ADroppedAndAPastedPhotoAreTakenToo() => DeskPage.Use(SharedDesk.Value, async desk =>
    {
        foreach (var (kind, transfer) in new[] { ("drop", "dataTransfer"), ("paste", "clipboardData") })
        {
            var picture = Pictures.Of("scratch", 8, $"{kind}.jpg");
            await desk.Page.EvaluateAsync(
                """
                ([kind, transfer, name, base64]) => {
                  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
                  const data = new DataTransfer();
                  data.items.add(new File([bytes], name, { type: "image/jpeg" }));
                  const Made = kind === "drop" ? DragEvent : ClipboardEvent;
                  document.querySelector("#drop").dispatchEvent(new Made(kind, { [transfer]: data, bubbles: true, cancelable: true }));
                }
                """,
                new[] { kind, transfer, picture.Name, Convert.ToBase64String(picture.Buffer) });
            await Assertions.Expect(desk.Row(picture.Name)).ToBeVisibleAsync();
        }
    });

    [TestMethod]
    public Task WhoHasNoPhotosAtHandTriesDrawnOnes() => DeskPage.Use(SharedDesk.Value, async desk =>
    {
        var before = await desk.Rows.CountAsync();
        await desk.Button("Try drawn examples").ClickAsync();
        await Assertions.Expect(desk.Rows).ToHaveCountAsync(before + 8);
    });

    [TestMethod]
    public Task APhotoIsLookedAtInFullAndDeletedOnlyAfterAQuestion() => DeskPage.Use(SharedDesk.Value, async desk =>
    {
        await desk.UploadAsync(Pictures.Of("stain", 9, "big.jpg"));
        await desk.Button("Look at big.jpg").ClickAsync();
        var full = desk.Page.Locator("dialog img");
        await Assertions.Expect(full).ToHaveJSPropertyAsync("naturalWidth", 320);
        foreach (var address in (string[])["why", "image"]) // with what spoke for the answer, and as it is again
        {
            await desk.Button("Why this answer?").ClickAsync();
            await Assertions.Expect(full).ToHaveAttributeAsync("src", new Regex($"/{address}$"));
            await Assertions.Expect(full).ToHaveJSPropertyAsync("complete", true);
            await Assertions.Expect(full).ToHaveJSPropertyAsync("naturalWidth", 320);
        }
        await desk.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(desk.Button("Look at big.jpg")).ToBeFocusedAsync();

        await desk.Button("Delete big.jpg").ClickAsync();
        await desk.Button("Cancel").ClickAsync();
        await Assertions.Expect(desk.Row("big.jpg")).ToBeVisibleAsync();
        await desk.Button("Delete big.jpg").ClickAsync();
        await desk.Button("Delete").ClickAsync();
        await Assertions.Expect(desk.Row("big.jpg")).ToHaveCountAsync(0);
        await desk.Page.ReloadAsync();
        await desk.LoadedAsync();
        await Assertions.Expect(desk.Row("big.jpg")).ToHaveCountAsync(0);
    });

    [TestMethod]
    public Task AFileNameIsTextAndNeverMarkup() => DeskPage.Use(SharedDesk.Value, async desk =>
    {
        const string Name = "<img src=x onerror=document.title='run'>.jpg";
        await desk.UploadAsync(Pictures.Of("clean", 10, Name));
        var shown = await desk.Rows.First.Locator(".name").InnerTextAsync();
        StringAssert.StartsWith(shown, "<img src=x");
        await desk.Button($"Look at {shown}").ClickAsync();
        await Assertions.Expect(desk.Page.Locator("dialog h2")).ToHaveTextAsync(shown);
        Assert.AreEqual("PhotoDesk", await desk.Page.TitleAsync());
    });

    [TestMethod]
    public Task AStyleInTheMarkupWouldHaveBeenComplainedOf() => DeskPage.Use(SharedDesk.Value, async desk =>
    {
        await desk.Page.EvaluateAsync("document.body.setAttribute('style', 'color: red')");
        await desk.UntilComplaintAsync("Content Security Policy");
        StringAssert.Contains(Assert.ThrowsExactly<AssertFailedException>(desk.VerifyNoComplaints).Message, "Content Security Policy");
        desk.Expect("Content Security Policy");
    });
}
