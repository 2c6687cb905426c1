using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using MlNetFineTune;

namespace PhotoDesk;

/// <summary>Errors as application/problem+json with a message, without paths and stack traces, which are logged.</summary>
internal static class Problems
{
    public static ProblemHttpResult Answer(int status, string detail) => TypedResults.Problem(detail, statusCode: status);

    public static ProblemHttpResult NotFound(string what) => Answer(StatusCodes.Status404NotFound, $"There is no such {what}.");

    public static ProblemHttpResult Conflict(string detail) => Answer(StatusCodes.Status409Conflict, detail);

    public static IServiceCollection AddProblems(this IServiceCollection services) => services
        .AddProblemDetails(options => options.CustomizeProblemDetails = context => context.ProblemDetails.Extensions.Remove("traceId"))
        .AddExceptionHandler<ExceptionToProblem>()
        .Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true); // in every environment; handled below

    private sealed class ExceptionToProblem(ILogger<ExceptionToProblem> log) : IExceptionHandler
    {
        public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
        {
            if (context.RequestAborted.IsCancellationRequested)
            {
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest; // for the metrics; the client is gone
                return true;
            }
            var (status, detail) = exception switch
            {
                BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
                    (StatusCodes.Status413PayloadTooLarge, "The request is too large."),
                BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } =>
                    (StatusCodes.Status408RequestTimeout, "The request came too slowly."),
                BadHttpRequestException bad => (bad.StatusCode, "The request cannot be read."),
                PredictorBusyException or DeskBusyException =>
                    (StatusCodes.Status503ServiceUnavailable, "Too many photos wait. Try again in a moment."),
                _ => (StatusCodes.Status500InternalServerError, "Something went wrong. The log has the details."),
            };
            if (status == StatusCodes.Status500InternalServerError)
                log.LogError(exception, "{Method} {Path} failed.", context.Request.Method, context.Request.Path);
            if (status == StatusCodes.Status503ServiceUnavailable)
                context.Response.Headers.RetryAfter = "1";
            await Answer(status, detail).ExecuteAsync(context);
            return true;
        }
    }
}
