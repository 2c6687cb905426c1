using System.Net.Http.Headers;
using System.Text;

namespace MlNetFineTune;

/// <summary>
/// A tracking server of MLflow, to which a training is reported by its REST API: options as parameters, losses and metrics of every step
/// and epoch, and the report of <see cref="FineTuningOptions.RunFolder"/>. A server that is slow, down or refuses costs
/// one warning in the log during the training, and one at its end if not all was sent. It does not end the training and does not slow its
/// steps; its end waits at most <see cref="FinishTimeout"/>.
/// </summary>
public sealed record MlflowTracking
{
    private const int LongestExperiment = 500; // characters, of the server

    private static readonly TimeSpan s_longest = TimeSpan.FromHours(1);

    /// <param name="server">Address of the server, http or https, such as <c>http://mlflow.example:5000</c>; a path is kept.</param>
    /// <param name="experiment">Name of the experiment, at most 500 characters; created if it does not exist.</param>
    /// <exception cref="ArgumentException">The address or the name cannot be used.</exception>
    public MlflowTracking(Uri server, string experiment)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentException.ThrowIfNullOrWhiteSpace(experiment);
        if (experiment.Length > LongestExperiment)
            throw new ArgumentException($"The name of an experiment has {LongestExperiment} characters at most, and this has "
                + FormattableString.Invariant($"{experiment.Length}."), nameof(experiment));
        if (!server.IsAbsoluteUri || server.Scheme is not ("http" or "https"))
            throw new ArgumentException($"{SafeText.Quoted(server.ToString())} is no address of a server: it begins with http:// or "
                + "https://.", nameof(server));
        if (server.UserInfo.Length > 0 || server.Query.Length > 0 || server.Fragment.Length > 0)
            throw new ArgumentException("The address of an MLflow server has neither a user nor a query: give a user and a password to "
                + $"{nameof(WithUser)}.", nameof(server));
        (Server, Experiment) = (server, experiment);
    }

    /// <summary>Address of the server.</summary>
    public Uri Server { get; }

    /// <summary>Name of the experiment.</summary>
    public string Experiment { get; }

    /// <summary>Name of the run. Default null: the server makes one up.</summary>
    public string? RunName { get; init; }

    /// <summary>Further tags of the run. Default: none.</summary>
    public IReadOnlyDictionary<string, string> Tags
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Tags));
            field = value;
        }
    } = new Dictionary<string, string>();

    /// <summary>Longest time that a request may take. Above zero, at most one hour. Default 10 seconds.</summary>
    public TimeSpan RequestTimeout { get; init => field = Checked(value, nameof(RequestTimeout)); } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Longest time that the end of a training waits for what is not yet sent; 2 seconds at most where it failed or was cancelled. Above
    /// zero, at most one hour. Default 10 seconds. A server that was away is asked once more, and one that cannot be connected to is not
    /// waited for.
    /// </summary>
    public TimeSpan FinishTimeout { get; init => field = Checked(value, nameof(FinishTimeout)); } = TimeSpan.FromSeconds(10);

    /// <summary>Longest time that the end of a training without a model waits, within <see cref="FinishTimeout"/>.</summary>
    internal TimeSpan AbandonTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Null without <see cref="WithToken"/> and <see cref="WithUser"/>.</summary>
    internal AuthenticationHeaderValue? Authorization { get; private init; }

    /// <summary>The same server with a bearer token. Send it to an https address only.</summary>
    /// <param name="token">The token; not part of any log or text.</param>
    public MlflowTracking WithToken(string token)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(token);
        return this with { Authorization = new AuthenticationHeaderValue("Bearer", token) };
    }

    /// <summary>The same server with basic authentication. Send it to an https address only.</summary>
    /// <param name="user">Name of the user, without a colon.</param>
    /// <param name="password">The password; not part of any log or text.</param>
    public MlflowTracking WithUser(string user, string password)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(user);
        ArgumentNullException.ThrowIfNull(password);
        if (user.Contains(':'))
            throw new ArgumentException("The name of a user in basic authentication has no colon.", nameof(user));
        var pair = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
        return this with { Authorization = new AuthenticationHeaderValue("Basic", pair) };
    }

    /// <summary>Server and experiment.</summary>
    public override string ToString() => $"{Server}, experiment {SafeText.Quoted(Experiment)}";

    private static TimeSpan Checked(TimeSpan value, string name) => value > TimeSpan.Zero && value <= s_longest
        ? value
        : throw new ArgumentOutOfRangeException(name, value, $"The time must be above zero and at most {s_longest}.");
}
