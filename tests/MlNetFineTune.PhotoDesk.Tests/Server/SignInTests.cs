using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using PhotoDesk;

namespace MlNetFineTune.PhotoDesk.Tests.Server;

/// <summary>Changes need a user where the options name users.</summary>
[TestClass]
public sealed class SignInTests
{
    private const string Password = "correct horse";

    private static readonly string s_hash = SignIn.Hash("ann", Password);
    private static RunningDesk s_desk = null!;

    [ClassInitialize]
    public static async Task StartAsync(TestContext _) => s_desk = await RunningDesk.StartAsync("--PhotoDesk:SignIn:Users:ann", s_hash);

    [ClassCleanup]
    public static async Task StopAsync() => await s_desk.DisposeAsync();

    [TestMethod]
    [DataRow("POST", "api/photos")]
    [DataRow("POST", "api/trainings")]
    [DataRow("POST", "api/trainings/latest/stop")]
    [DataRow("POST", "api/models/rollback")]
    [DataRow("POST", "api/models/1/activate")]
    [DataRow("PUT", "api/photos/1/label")]
    [DataRow("DELETE", "api/photos/1/label")]
    [DataRow("DELETE", "api/photos/1")]
    [DataRow("PATCH", "api/nowhere")]
    public async Task AChangeWithoutAUserIsRefused(string method, string address)
    {
        using var client = Client(s_desk);
        using var answer = await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), address));

        Assert.AreEqual(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.AreEqual("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("api/photos")]
    [DataRow("api/models")]
    [DataRow("api/session")]
    [DataRow("metrics")]
    public async Task ReadsAreOpen(string address)
    {
        using var client = Client(s_desk);
        Assert.AreEqual(HttpStatusCode.OK, (await client.GetAsync(address)).StatusCode);
    }

    [TestMethod]
    public async Task AUserChangesThingsUntilSigningOut()
    {
        using var client = Client(s_desk);
        using var begun = await client.PostAsJsonAsync("api/session", new { name = "ann", password = Password });
        Assert.AreEqual(HttpStatusCode.OK, begun.StatusCode, await begun.Content.ReadAsStringAsync());
        var cookie = begun.Headers.GetValues("Set-Cookie").Single();
        StringAssert.StartsWith(cookie, "photodesk=");
        foreach (var flag in (string[])["; httponly", "; samesite=strict", "; path=/"])
            StringAssert.Contains(cookie.ToLowerInvariant(), flag);
        Assert.DoesNotContain(Password, cookie);

        client.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);
        using var uploaded = await client.PostAsync("api/photos", RunningDesk.Form(("a.jpg", RunningDesk.Picture(0))));
        Assert.AreEqual(HttpStatusCode.OK, uploaded.StatusCode, await uploaded.Content.ReadAsStringAsync());
        Assert.AreEqual(new Session(true, "ann"), await client.GetFromJsonAsync<Session>("api/session"));

        using var ended = await client.DeleteAsync("api/session");
        Assert.AreEqual(HttpStatusCode.NoContent, ended.StatusCode);
        StringAssert.StartsWith(ended.Headers.GetValues("Set-Cookie").Single(), "photodesk=;"); // the browser forgets it
    }

    [TestMethod]
    public async Task ACookieThatWasChangedIsNone()
    {
        using var client = Client(s_desk);
        using var begun = await client.PostAsJsonAsync("api/session", new { name = "ann", password = Password });
        var cookie = begun.Headers.GetValues("Set-Cookie").Single().Split(';')[0];

        client.DefaultRequestHeaders.Add("Cookie", cookie[..^8] + "AAAAAAAA");
        Assert.AreEqual(new Session(true, null), await client.GetFromJsonAsync<Session>("api/session"));
    }

    [TestMethod]
    public async Task WrongPasswordsAreRefusedAndTooManyOfThemWait()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:SignIn:Users:ann", s_hash);
        using var client = Client(desk);
        foreach (var (name, password) in ((string?, string?)[])[("ann", "wrong horse"), ("bob", Password), ("ANN", Password), (null, null)])
        {
            using var refused = await client.PostAsJsonAsync("api/session", new { name, password });
            Assert.AreEqual(HttpStatusCode.Unauthorized, refused.StatusCode);
            StringAssert.Contains(await refused.Content.ReadAsStringAsync(), "The name or the password is wrong.");
            Assert.IsFalse(refused.Headers.Contains("Set-Cookie"));
        }
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ =>
            client.PostAsJsonAsync("api/session", new { name = "ann", password = "guess" })));
        Assert.IsTrue(answers.Any(answer => answer.StatusCode == HttpStatusCode.TooManyRequests));
    }

    [TestMethod]
    public async Task ACookieOutlivesARestartButNotItsPassword()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:SignIn:Users:ann", s_hash);
        using var before = Client(desk);
        using var begun = await before.PostAsJsonAsync("api/session", new { name = "ann", password = Password });
        var cookie = begun.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        await desk.StopAsync();
        await desk.StartAgainAsync();
        using var client = Client(desk);
        client.DefaultRequestHeaders.Add("Cookie", cookie);

        Assert.AreEqual("ann", (await client.GetFromJsonAsync<Session>("api/session"))!.User);

        var users = desk.Services.GetRequiredService<IOptions<PhotoDeskOptions>>().Value.SignIn.Users;
        users["ann"] = SignIn.Hash("ann", "another password");
        Assert.IsNull((await client.GetFromJsonAsync<Session>("api/session"))!.User);
        users.Clear();
        users["bob"] = s_hash;
        using var refused = await client.DeleteAsync("api/photos/1");
        Assert.AreEqual(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [TestMethod]
    public async Task WhereReadsAreProtectedThePageLeadsToTheForm()
    {
        await using var desk = await RunningDesk.StartAsync(
            "--PhotoDesk:SignIn:Users:ann", s_hash, "--PhotoDesk:SignIn:ProtectReads", "true");
        using var client = Client(desk);

        foreach (var address in (string[])["", "index.html", "app.js", "next.html"])
        {
            using var answer = await client.GetAsync(address);
            Assert.AreEqual(HttpStatusCode.Redirect, answer.StatusCode, address);
            Assert.AreEqual($"/sign-in.html?ReturnUrl=%2F{address}", answer.Headers.Location!.PathAndQuery);
        }
        foreach (var address in (string[])["api/photos", "api/photos/1/image", "api/photos.csv", "api/models", "api/trainings/latest"])
            Assert.AreEqual(HttpStatusCode.Unauthorized, (await client.GetAsync(address)).StatusCode, address);
        foreach (var address in (string[])["sign-in.html", "sign-in.js", "app.css", "icon.svg", "js/api.js", "js/connection.js",
            "js/announce.js", "js/dom.js", "api/session", "health", "metrics"])
            Assert.AreEqual(HttpStatusCode.OK, (await client.GetAsync(address)).StatusCode, address);

        using var begun = await client.PostAsJsonAsync("api/session", new { name = "ann", password = Password });
        client.DefaultRequestHeaders.Add("Cookie", begun.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        Assert.AreEqual(HttpStatusCode.OK, (await client.GetAsync("")).StatusCode);
        Assert.AreEqual(HttpStatusCode.OK, (await client.GetAsync("api/models")).StatusCode);
    }

    [TestMethod]
    public async Task WithoutUsersItIsOff()
    {
        await using var desk = await RunningDesk.StartAsync();

        Assert.AreEqual(new Session(false, null), await desk.GetAsync<Session>("api/session"));
        using var begun = await desk.Http.PostAsJsonAsync("api/session", new { name = "ann", password = Password });
        Assert.AreEqual(HttpStatusCode.NotFound, begun.StatusCode);
        (await desk.Http.PostAsync("api/photos", RunningDesk.Form(("a.jpg", RunningDesk.Picture(0))))).EnsureSuccessStatusCode();
        Assert.IsFalse(Directory.Exists(Path.Combine(desk.Data.FullName, "keys")));
    }

    [TestMethod]
    public void AHashIsMadeByTheCommandAndAPasswordIsNone()
    {
        var output = new StringWriter();
        PasswordHash.Write("ann", new StringReader(Password), output);
        StringAssert.StartsWith(output.ToString(), "PhotoDesk__SignIn__Users__ann=");
        Assert.IsTrue(SignIn.IsHash(output.ToString().Trim().Split('=', 2)[1]));
        Assert.ThrowsExactly<ArgumentException>(() => PasswordHash.Write("ann", new StringReader("short"), output));
        foreach (var name in (string[])["", "a:b", "a__b", "a=b"])
        {
            StringAssert.StartsWith(
                Assert.ThrowsExactly<ArgumentException>(() => PasswordHash.Write(name, new StringReader(Password), output)).Message,
                $"'{name}' cannot be the name of a user");
        }

        foreach (var (options, message) in ((string[], string)[])[
            (["--PhotoDesk:SignIn:Users:ann", Password], "SignIn:Users must be names with password hashes"),
            (["--PhotoDesk:SignIn:ProtectReads", "true"], "SignIn:ProtectReads needs SignIn:Users")])
            StringAssert.Contains(Assert.ThrowsExactly<OptionsValidationException>(() => PhotoDeskApp.Build(options)).Message, message);
    }

    // Without a memory for cookies, and without following redirects.
    private static HttpClient Client(RunningDesk desk) =>
        new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
        {
            Timeout = Patience.Limit,
            BaseAddress = desk.Http.BaseAddress,
            DefaultRequestHeaders = { { "X-PhotoDesk", "1" } },
        };
}
