using Microsoft.AspNetCore.Http.HttpResults;

namespace PhotoDesk;

/// <summary>Signing in and out.</summary>
internal static class SessionEndpoints
{
    public static void MapSession(this IEndpointRouteBuilder app)
    {
        var session = app.MapGroup(SignIn.Address);
        session.MapGet("/", (SignIn signIn, HttpContext context) => new Session(signIn.IsOn, context.User.Identity?.Name));
        session.MapPost("/", BeginAsync).RequireRateLimiting(RateLimits.SignIns);
        session.MapDelete("/", EndAsync);
    }

    private static async Task<Results<Ok<Session>, ProblemHttpResult>> BeginAsync(
        SignInRequest request, SignIn signIn, HttpContext context) =>
        !signIn.IsOn ? Problems.NotFound("user")
        : await signIn.TryBeginAsync(context, request.Name ?? "", request.Password ?? "") ? TypedResults.Ok(new Session(true, request.Name))
        : Problems.Answer(StatusCodes.Status401Unauthorized, "The name or the password is wrong.");

    private static async Task<NoContent> EndAsync(SignIn signIn, HttpContext context)
    {
        if (signIn.IsOn)
            await signIn.EndAsync(context);
        return TypedResults.NoContent();
    }
}

internal sealed record SignInRequest(string? Name, string? Password);

/// <param name="IsOn">Whether changes need a user.</param>
/// <param name="User">Who is signed in; null for nobody.</param>
internal sealed record Session(bool IsOn, string? User);
