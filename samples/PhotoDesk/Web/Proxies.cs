using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>
/// Behind a proxy the client's address and scheme are those of its headers, read from the last one back to the first that no known proxy
/// has added. A proxy appends the address, and so what a client writes there itself counts for nothing; the scheme, by which a cookie is
/// for https alone, it must set.
/// </summary>
internal static class Proxies
{
    public static IServiceCollection AddProxies(this IServiceCollection services)
    {
        services.AddOptions<ForwardedHeadersOptions>().Configure<IOptions<PhotoDeskOptions>>((headers, desk) =>
        {
            headers.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            headers.ForwardLimit = null;
            headers.KnownProxies.Clear(); // of the loopback
            headers.KnownIPNetworks.Clear();
            foreach (var proxy in desk.Value.KnownProxies)
            {
                if (IPAddress.TryParse(proxy, out var address))
                    headers.KnownProxies.Add(address);
                else
                    headers.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(proxy));
            }
        });
        return services;
    }

    public static void UseProxies(this IApplicationBuilder app)
    {
        if (app.ApplicationServices.GetRequiredService<IOptions<PhotoDeskOptions>>().Value.KnownProxies.Length > 0)
            app.UseForwardedHeaders();
    }

    /// <summary>Whether this is an address or a network. IPv4 has four numbers: 10.7 would be read as 10.0.0.7.</summary>
    public static bool IsProxy(string text)
    {
        var address = text.Split('/')[0];
        return IPAddress.TryParse(address, out var parsed)
            && (parsed.AddressFamily != AddressFamily.InterNetwork || parsed.ToString() == address)
            && (address == text || System.Net.IPNetwork.TryParse(text, out _));
    }
}
