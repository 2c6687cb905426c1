using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using System.Security.Authentication;

namespace MlNetFineTune.WeightSources;

/// <summary>
/// Requests a file from a web server. Redirects are followed here, because what may be sent is decided for each hop: the token goes to the
/// hub's own host alone. Proxies are those of the environment, as always in .NET.
/// </summary>
/// <param name="cache">Limits and timeouts.</param>
/// <param name="tokenOrigin">The hub that receives the access token; null for none.</param>
internal sealed class WeightServer(PretrainedWeights.Cache cache, Uri? tokenOrigin)
{
    private const int MaximumRedirects = 10;

    private static readonly HttpClient s_client = MakeClient();

    public PretrainedWeights.Cache Cache => cache;

    /// <summary>The caller disposes it.</summary>
    /// <param name="address">Address of the file.</param>
    /// <param name="from">Position of the first byte to request.</param>
    /// <param name="ifRange">Continue only if the file still has this ETag; else the whole file is sent.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="TransientFailure">Another attempt may succeed.</exception>
    /// <exception cref="HttpRequestException">Another attempt would fail too.</exception>
    public async Task<ServerAnswer> GetAsync(Uri address, long from, EntityTagHeaderValue? ifRange, CancellationToken cancellationToken)
    {
        var hub = HubHeaders.None;
        for (var redirects = 0; ; redirects++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            // A body that is compressed on the way would have another length and another hash.
            request.Headers.AcceptEncoding.ParseAdd("identity");
            if (from > 0)
                request.Headers.Range = new RangeHeaderValue(from, null);
            if (from > 0 && ifRange is not null)
                request.Headers.IfRange = new RangeConditionHeaderValue(ifRange);
            if (MayHaveToken(address) && PretrainedWeights.Cache.HubToken is { } token)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);

            var message = await SendAsync(request, address, cancellationToken).ConfigureAwait(false);
            var keep = false;
            try
            {
                if (tokenOrigin is not null && IsSameOrigin(address, tokenOrigin))
                    hub = hub.Or(message);
                if (message.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
                    or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect)
                {
                    address = Follow(address, message.Headers.Location, redirects);
                    continue;
                }
                RequireSuccess(message, address, hub, from > 0);
                keep = true;
                return new ServerAnswer(message, address, hub);
            }
            finally
            {
                if (!keep)
                    message.Dispose();
            }
        }
    }

    /// <summary>An address as messages show it: queries hold signatures.</summary>
    public static string Show(Uri address) =>
        SafeText.Of(address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped),
            SafeText.SentenceLength);

    /// <summary>Runs <paramref name="action"/>, which counts as failed where it takes longer than a server may stay silent.</summary>
    public async Task<T> WithinStallTimeoutAsync<T>(
        Uri address, Func<CancellationToken, Task<T>> action, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(cache.StallTimeout, cache.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await action(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransientFailure($"{Show(address)} has sent nothing for {cache.StallTimeout.TotalSeconds:0.###} s", e);
        }
        // A broken connection; HttpIOException gives the reason.
        catch (IOException e) when (e is not TransientFailure)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new TransientFailure($"the connection to {Show(address)} broke off: {SafeText.Message(e)}", e);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, Uri address, CancellationToken cancellationToken)
    {
        try
        {
            return await WithinStallTimeoutAsync(
                address, token => s_client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token), cancellationToken)
                .ConfigureAwait(false);
        }
        // An invalid certificate is not transient.
        catch (HttpRequestException e)
            when (e.InnerException is not AuthenticationException
                && e.HttpRequestError is not (HttpRequestError.SecureConnectionError or HttpRequestError.ConfigurationLimitExceeded))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new TransientFailure($"{Show(address)} cannot be reached: {SafeText.Message(e)}", e);
        }
    }

    private static Uri Follow(Uri address, Uri? location, int redirects)
    {
        if (location is null)
            throw new HttpRequestException($"{Show(address)} redirects, but does not say where to.");
        if (redirects >= MaximumRedirects)
            throw new HttpRequestException($"More than {MaximumRedirects} redirects, the last from {Show(address)}.");
        var next = new Uri(address, location);
        if (next.Scheme is not ("http" or "https"))
            throw new HttpRequestException(
                $"{Show(address)} redirects to an address of the kind {SafeText.Quoted(next.Scheme + ":")}, which is not followed.");
        if (address.Scheme == "https" && next.Scheme == "http")
            throw new HttpRequestException(
                $"{Show(address)} redirects from https to {Show(next)}, which is not followed: anyone on the way could change it.");
        return next;
    }

    private static void RequireSuccess(HttpResponseMessage message, Uri address, HubHeaders hub, bool isRange)
    {
        var status = message.StatusCode;
        if (status is HttpStatusCode.OK
            || (isRange && status is HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable))
            return;
        var what = $"{Show(address)} answers {(int)status} "
            + $"{SafeText.Of(message.ReasonPhrase)}{(hub.Error is null ? "" : $" ({SafeText.Of(hub.Error)})")}";
        if (status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or HttpStatusCode.InternalServerError
            or HttpStatusCode.BadGateway
            or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout)
        {
            throw new TransientFailure(what, inner: null) { RetryAfter = message.Headers.RetryAfter, StatusCode = status };
        }
        var advice = status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                ". It does not exist, or is open to those alone who have been given access: "
                + "the environment variable HF_TOKEN holds the token that is sent to the hub",
            HttpStatusCode.NotFound => ". Check the name and the revision",
            _ => "",
        };
        throw new HttpRequestException($"{what}{advice}.", inner: null, status);
    }

    private bool MayHaveToken(Uri address) => tokenOrigin is not null && IsSameOrigin(address, tokenOrigin)
        && (address.Scheme == "https" || address.IsLoopback);

    private static bool IsSameOrigin(Uri a, Uri b) =>
        Uri.Compare(a, b, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    private static HttpClient MakeClient()
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan }; // WithinStallTimeoutAsync is the limit
        var version = typeof(WeightServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        client.DefaultRequestHeaders.UserAgent.ParseAdd($"MlNetFineTune/{version?.Split('+')[0] ?? "0"}");
        return client;
    }
}
