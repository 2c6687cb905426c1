namespace PhotoDesk;

/// <summary>
/// Requests that change something require the header <c>X-PhotoDesk: 1</c>. Only scripts of the same origin can send it: forms cannot, and
/// scripts of other origins need a CORS preflight, which is not allowed here.
/// </summary>
internal static class CsrfGuard
{
    public static IApplicationBuilder UseCsrfGuard(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var request = context.Request;
        return !OnlyReads(request) && request.Headers["X-PhotoDesk"] != "1"
            ? Problems.Answer(StatusCodes.Status403Forbidden, "Requests that change something need the header X-PhotoDesk: 1.")
                .ExecuteAsync(context)
            : next(context);
    });

    public static bool OnlyReads(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method);
}
