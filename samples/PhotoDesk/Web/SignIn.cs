using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>
/// Signing in by name and password, with the cookies of ASP.NET Core and the password hashes of its Identity. Where the options name users,
/// a change needs one of them, and so do reads where that is asked for: programs are answered with 401, the page is led to the form.
/// </summary>
internal sealed class SignIn(IOptions<PhotoDeskOptions> options)
{
    public const string Page = "/sign-in.html";
    public const string Address = "/api/session";

    private const string Scheme = CookieAuthenticationDefaults.AuthenticationScheme;
    private const string PasswordClaim = "password";

    private static readonly PasswordHasher<string> Hasher = new();

    // Compared with the password of an unknown user, so that the time of an answer does not tell which users there are.
    private static readonly Lazy<string> NobodysHash = new(() => Hash("", Guid.NewGuid().ToString()));

    // Without them there is no form; and a monitor does not sign in.
    private static readonly string[] AlwaysOpen =
    [
        Page, "/sign-in.js", "/app.css", "/icon.svg", "/js/api.js", "/js/connection.js", "/js/announce.js", "/js/dom.js", Address,
        "/health", "/metrics",
    ];

    private readonly SignInOptions _options = options.Value.SignIn;

    public bool IsOn => _options.Users.Count > 0;

    public static string Hash(string name, string password) => Hasher.HashPassword(name, password);

    /// <summary>Whether this is a hash, and not a password.</summary>
    public static bool IsHash(string text) => text.Length > 60 && Convert.TryFromBase64String(text, new byte[text.Length], out _);

    public static void AddTo(IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<SignIn>();
        if (!configuration.GetSection($"{PhotoDeskOptions.Section}:{nameof(SignIn)}:{nameof(SignInOptions.Users)}").GetChildren().Any())
            return; // neither cookies nor keys
        services.AddAuthentication(Scheme).AddCookie(cookie =>
        {
            cookie.Cookie.Name = "photodesk";
            cookie.Cookie.SameSite = SameSiteMode.Strict;
            cookie.LoginPath = Page;
            cookie.ExpireTimeSpan = TimeSpan.FromHours(12);
            cookie.Events.OnValidatePrincipal = RejectFormerUsersAsync;
            cookie.Events.OnRedirectToLogin = challenge => challenge.Request.Path.StartsWithSegments("/api")
                ? Problems.Answer(StatusCodes.Status401Unauthorized, "Sign in first.").ExecuteAsync(challenge.HttpContext)
                : RedirectAsync(challenge);
        });
        // Cookies stay valid after a restart.
        services.AddDataProtection().SetApplicationName("PhotoDesk");
        services.AddOptions<KeyManagementOptions>()
            .Configure<IOptions<PhotoDeskOptions>, ILoggerFactory>((keys, desk, loggers) =>
                keys.XmlRepository = new FileSystemXmlRepository(
                    new DirectoryInfo(Path.Combine(desk.Value.DataFolder, "keys")), loggers));
    }

    /// <summary>Refuses what needs a user and has none.</summary>
    public static void Use(WebApplication app)
    {
        if (!app.Services.GetRequiredService<SignIn>().IsOn)
            return;
        app.UseAuthentication();
        app.Use((context, next) =>
            context.User.Identity is { IsAuthenticated: true }
            || context.RequestServices.GetRequiredService<SignIn>().IsOpen(context.Request)
                ? next(context)
                : context.ChallengeAsync(Scheme));
    }

    /// <returns>False if the name or the password is wrong.</returns>
    public async Task<bool> TryBeginAsync(HttpContext context, string name, string password)
    {
        var isKnown = _options.Users.TryGetValue(name, out var hash);
        var isRight = Hasher.VerifyHashedPassword(name, isKnown ? hash! : NobodysHash.Value, password) != PasswordVerificationResult.Failed;
        if (!isKnown || !isRight)
            return false;
        var identity = new ClaimsIdentity([new(ClaimTypes.Name, name), new(PasswordClaim, Digest(hash!))], Scheme);
        await context.SignInAsync(Scheme, new ClaimsPrincipal(identity));
        return true;
    }

    public Task EndAsync(HttpContext context) => context.SignOutAsync(Scheme);

    private bool IsOpen(HttpRequest request) =>
        request.Path == Address || CsrfGuard.OnlyReads(request) && (!_options.ProtectReads || AlwaysOpen.Contains(request.Path.Value));

    private static Task RejectFormerUsersAsync(CookieValidatePrincipalContext cookie)
    {
        var users = cookie.HttpContext.RequestServices.GetRequiredService<SignIn>()._options.Users;
        var isUser = cookie.Principal?.Identity?.Name is { } name && users.TryGetValue(name, out var hash)
            && cookie.Principal.FindFirst(PasswordClaim)?.Value == Digest(hash);
        if (isUser)
            return Task.CompletedTask;
        cookie.RejectPrincipal();
        return cookie.HttpContext.SignOutAsync(Scheme);
    }

    private static Task RedirectAsync(RedirectContext<CookieAuthenticationOptions> challenge)
    {
        challenge.Response.Redirect(challenge.RedirectUri);
        return Task.CompletedTask;
    }

    private static string Digest(string hash) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(hash)));
}
