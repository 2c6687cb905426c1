using System.Net;
using Microsoft.Extensions.Options;
using PhotoDesk;

namespace MlNetFineTune.PhotoDesk.Tests.Server;

/// <summary>Behind a proxy the limits are the client's, and nobody can take another's address.</summary>
[TestClass]
public sealed class ProxyTests
{
    private const int Requests = 100; // one a second is answered, and ten saved up

    [TestMethod]
    public async Task EachClientBehindAKnownProxyHasItsOwnLimit()
    {
        await using var desk = await RunningDesk.StartAsync(
            "--PhotoDesk:RequestsPerSecond", "1", "--PhotoDesk:KnownProxies:0", "127.0.0.1");

        Assert.IsNotEmpty(await RefusedAsync(desk, _ => "203.0.113.1"));

        using var other = await AskAsync(desk, "203.0.113.2");
        Assert.AreEqual(HttpStatusCode.OK, other.StatusCode);
        using var direct = await AskAsync(desk, null);
        Assert.AreEqual(HttpStatusCode.OK, direct.StatusCode);
    }

    [TestMethod]
    public async Task WhatAClientWritesIntoTheHeaderItselfIsNotBelieved()
    {
        await using var desk = await RunningDesk.StartAsync(
            "--PhotoDesk:RequestsPerSecond", "1", "--PhotoDesk:KnownProxies:0", "127.0.0.1");

        // The proxy appends the address that it sees.
        Assert.IsNotEmpty(await RefusedAsync(desk, i => $"198.51.100.{i}, 203.0.113.1"));
        using var same = await AskAsync(desk, "203.0.113.1");
        Assert.AreEqual(HttpStatusCode.TooManyRequests, same.StatusCode);
    }

    [TestMethod]
    public async Task ThroughSeveralKnownProxiesTheFirstUnknownAddressIsTheClient()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:RequestsPerSecond", "1",
            "--PhotoDesk:KnownProxies:0", "127.0.0.1", "--PhotoDesk:KnownProxies:1", "10.0.0.0/8");

        Assert.IsNotEmpty(await RefusedAsync(desk, i => $"198.51.100.{i}, 203.0.113.1, 10.0.0.{i}"));
        using var other = await AskAsync(desk, "203.0.113.2, 10.0.0.5");
        Assert.AreEqual(HttpStatusCode.OK, other.StatusCode);
    }

    [TestMethod]
    public async Task WithoutKnownProxiesTheHeaderCountsForNothing()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:RequestsPerSecond", "1");

        Assert.IsNotEmpty(await RefusedAsync(desk, i => $"203.0.113.{i}"));
    }

    [TestMethod]
    public async Task AnUnknownProxyIsNotBelieved()
    {
        await using var desk = await RunningDesk.StartAsync(
            "--PhotoDesk:RequestsPerSecond", "1", "--PhotoDesk:KnownProxies:0", "10.0.0.0/8");

        Assert.IsNotEmpty(await RefusedAsync(desk, i => $"203.0.113.{i}"));
    }

    [TestMethod]
    public void WhatIsNoAddressIsRefusedAtTheStart()
    {
        var refused = Assert.ThrowsExactly<OptionsValidationException>(
            () => PhotoDeskApp.Build(["--PhotoDesk:KnownProxies:0", "proxy.example"]));
        StringAssert.Contains(refused.Message, "KnownProxies must be addresses such as 10.0.0.7");
    }

    [TestMethod]
    public void AnAddressIsWrittenOut()
    {
        foreach (var proxy in (string[])["10.0.0.7", "10.0.0.0/8", "::1", "fd00::/8"])
            Assert.IsTrue(Proxies.IsProxy(proxy), proxy);
        foreach (var proxy in (string[])["", "7", "10.7", "010.0.0.7", "0x0a000007", "10.7/32", "10.0.0.0/", "10.0.0.0/33", "/8"])
            Assert.IsFalse(Proxies.IsProxy(proxy), proxy);
    }

    private static async Task<IReadOnlyList<HttpStatusCode>> RefusedAsync(RunningDesk desk, Func<int, string> forwardedFor)
    {
        var answers = await Task.WhenAll(Enumerable.Range(1, Requests).Select(async i =>
        {
            using var answer = await AskAsync(desk, forwardedFor(i));
            return answer.StatusCode;
        }));
        return [.. answers.Where(status => status == HttpStatusCode.TooManyRequests)];
    }

    private static Task<HttpResponseMessage> AskAsync(RunningDesk desk, string? forwardedFor)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "api/classes");
        if (forwardedFor is not null)
            request.Headers.Add("X-Forwarded-For", forwardedFor);
        return desk.Http.SendAsync(request);
    }
}
