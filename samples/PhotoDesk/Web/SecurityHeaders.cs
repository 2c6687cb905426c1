namespace PhotoDesk;

/// <summary>Security headers: scripts only from this origin, no type sniffing, no framing, and no caching of API responses.</summary>
internal static class SecurityHeaders
{
    private const string Page = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>For uploaded photos: displayed, never executed.</summary>
    private const string Sandbox = "default-src 'none'; sandbox";

    public static IApplicationBuilder UseSecurityHeaders(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = context.Response.ContentType?.StartsWith("image/", StringComparison.Ordinal) == true
                && IsApi(context) ? Sandbox : Page;
            headers.XContentTypeOptions = "nosniff";
            headers.XFrameOptions = "DENY";
            headers["Referrer-Policy"] = "no-referrer";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
            headers["Cross-Origin-Resource-Policy"] = "same-origin";
            headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
            if (IsApi(context) && headers.CacheControl.Count == 0)
                headers.CacheControl = "no-store";
            return Task.CompletedTask;
        });
        return next(context);
    });

    private static bool IsApi(HttpContext context) => context.Request.Path.StartsWithSegments("/api");
}
