namespace PhotoDesk;

/// <summary>
/// Requests that change something need the header <c>X-PhotoDesk: 1</c>. Only a script of our own origin can send it: a form cannot, and
/// another origin's script would have to ask first (CORS), which nobody here answers.
/// </summary>
internal static class CsrfGuard
{
    public static IApplicationBuilder UseCsrfGuard(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var request = context.Request;
        var changes = !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method));
        return changes && request.Headers["X-PhotoDesk"] != "1"
            ? Problems.Answer(StatusCodes.Status403Forbidden, "Requests that change something need the header X-PhotoDesk: 1.")
                .ExecuteAsync(context)
            : next(context);
    });
}
